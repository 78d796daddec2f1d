"""Checks a gateway's key table against the log: each row must be what a fresh fold of its key gives.

It reads the log and not the current state, which may itself be wrong: a hash is checked against its event's commitment.
Changes that the sync has not written yet are not differences. Rows whose ids the log does not know belong to the
gateway.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from audit.report import Finding
from audit.sources import AuditedGateway
from audit.verify import sql
from audit.verify.state import TrueKey, read_keys
from gateways.errors import GatewayError, GatewayTableAbsent
from gateways.tensorzero.checkpoint import TENSORZERO
from gateways.tensorzero.key_table import Compared, GatewayTable, Secret
from gateways.tensorzero.rows import GatewayRow, rows_of
from registry.db.connection import fetch
from registry.instant import EPOCH
from registry.keys.state import KeyState
from registry.log import chain
from registry.log.event_log import EventLog

WHERE: Final = "tensorzero_auth_api_key"
_POLL_S: Final = 0.1
_SECRETS: Final = 5_000
_REPAIR: Final = "keyledger audit verify --repair"
_STOLEN: Final = "the one who changed it may hold a working secret: revoke the key, and create another"
_LOST: Final = "revoke the key, and create another"
_STRANGER: Final = "the one who added it may hold a working secret: disable it with the gateway's own tools"
_AWAY: Final = "fix the cause, and verify again"
_ANOTHER_LOG: Final = "docs/operate.md, Backup and restore; then keyledger project gateway --anew"
_LAG: Final = "check keyledger status, and start keyledger project gateway: it resumes where the table is"


class GatewayCheck:
    """Compares one gateway's table with a log, page by page; `rows` counts the existing rows.

    All pages together give a running sync `wait_s` to write recent changes. Methods raise Busy. A gateway that is down
    or refuses is one finding, and then nothing more is compared.
    """

    def __init__(self, gateway: AuditedGateway, engine: AsyncEngine, log: EventLog, wait_s: float) -> None:
        self._table = gateway.table
        self._is_shared = gateway.is_shared
        self._engine = engine
        self._log = log
        self._left_s = wait_s
        self._is_lag_reported = False
        self._target: str | None = None
        self.rows = 0

    async def begin(self) -> list[Finding]:
        """Check that there is a table to compare, and that its sync followed this log."""
        try:
            self._target = await self._table.check()
        except GatewayError as error:
            return [_not_compared(error)]
        return await self._checkpoint_finding()

    async def check(self, keys: Sequence[TrueKey]) -> list[Finding]:
        """Compare the rows of some keys."""
        try:
            return [] if self._target is None else await self._check(keys)
        except GatewayError as error:
            self._target = None
            return [_not_compared(error)]

    async def copies(self) -> list[Finding]:
        """Look for rows that have the secret of one of our credentials under another id, in one pass over the table.

        Such a row opens the gateway whatever happens to the key: a revoked key would work again through it.
        """
        found: list[Finding] = []
        last: int | None = None
        try:
            while self._target is not None and (rows := await self._table.secrets(last, _SECRETS)):
                last = rows[-1].id
                found += _copied(rows, await fetch(self._engine, sql.OWNERS, [row.hash for row in rows]))
        except GatewayError as error:
            self._target = None
            found.append(_not_compared(error))
        return found

    async def _check(self, keys: Sequence[TrueKey]) -> list[Finding]:
        found: list[Finding] = []
        first = True
        while True:
            # In this order: what changed up to this position was in the table before it was read.
            followed = await self._followed(keys)
            differing, there = await _differences(self._table, keys)
            self.rows += there if first else 0
            first = False
            again = {key.stream: key for key in await read_keys(self._engine, list(differing))} if differing else {}
            waiting = []
            for key in keys:
                if key.stream in differing and key.stream in again:
                    now = again[key.stream]
                    is_real = now.truth.position == key.truth.position <= followed[key.stream]
                    found += differing[key.stream] if is_real else []
                    waiting += [] if is_real else [now]
            if not waiting or not await self._wait():
                return [*found, *(await self._lag() if waiting else [])]
            keys = waiting

    async def _followed(self, keys: Sequence[TrueKey]) -> Mapping[str, int]:
        """Up to which position the table has each key's changes, as known before the table is read."""
        if self._is_shared:
            return {key.stream: key.truth.position for key in keys}
        position = await self._synced()
        return {key.stream: position for key in keys}

    async def _synced(self) -> int:
        rows = await fetch(self._engine, sql.GATEWAY_SYNC, TENSORZERO)
        return rows[0]["position"] if rows and rows[0]["target"] == self._target else 0

    async def _wait(self) -> bool:
        """Wait a moment; returns whether there was time left."""
        if self._left_s <= 0:
            return False
        self._left_s -= _POLL_S
        await asyncio.sleep(_POLL_S)
        return True

    async def _lag(self) -> list[Finding]:
        """Reported once, for all the keys that wait."""
        if self._is_lag_reported:
            return []
        self._is_lag_reported = True
        synced = await self._synced()
        detail = f"what changed after position {synced} is not all there yet"
        return [Finding("not_applied", WHERE, detail, _LAG, synced + 1)]

    async def _checkpoint_finding(self) -> list[Finding]:
        rows = [row for row in await fetch(self._engine, sql.GATEWAY_SYNC, TENSORZERO) if row["position"] > 0]
        held = await self._log.hashes([row["position"] for row in rows]) if rows else {}
        return [
            Finding("changed", "gateway_sync", "its position is not of this log", _ANOTHER_LOG, row["position"])
            for row in rows
            if row["log_id"] != self._log.log_id or held.get(row["position"]) != row["hash"]
        ]


async def _differences(table: GatewayTable, keys: Iterable[TrueKey]) -> tuple[dict[str, list[Finding]], int]:
    """The current faults by stream, without streams that have none; and how many rows exist at all."""
    rows = {key.stream: (key, _rows(key)) for key in keys}
    compared = await table.compared([row for _, some in rows.values() for row in some])
    found = {
        stream: [finding for row in some for finding in _of_row(key, compared[row.public_id])]
        for stream, (key, some) in rows.items()
    }
    there = sum(not row.is_absent for row in compared.values())
    return {stream: findings for stream, findings in found.items() if findings}, there


def fits(key: TrueKey, credential_id: str, hash_: str | None) -> bool:
    """Whether a hash is the one that the credential's event commits to. Pure."""
    committed = key.truth.commitments.get(credential_id)
    return committed is not None and hash_ is not None and chain.commitment(hash_) == committed[0]


def _rows(key: TrueKey) -> list[GatewayRow]:
    """The rows that the log gives, without hashes, and rows for ids that only the registry calls credentials."""
    state = key.truth.state
    given = rows_of(state, {}) if isinstance(state, KeyState) else []
    strangers = sorted(key.hashes.keys() - key.truth.commitments.keys())
    return [*given, *(GatewayRow(one, "", "", None, None, EPOCH, None, None) for one in strangers)]


def _of_row(key: TrueKey, row: Compared) -> Iterator[Finding]:
    id_, position = row.public_id, key.truth.position or None
    registry_fits = fits(key, id_, key.hashes.get(id_))
    if id_ not in key.truth.commitments:
        if not row.is_absent:
            detail = f"the log knows no credential {id_!r} of this key, and the gateway has it"
            yield Finding("extra", WHERE, detail, _STRANGER, position, key.stream)
    elif row.is_absent:
        # Restored without hashes: the key can't be given access, which is not a fault of the data.
        if key.hashes.get(id_, "") is not None:
            fix = _REPAIR if registry_fits else _LOST
            yield Finding("missing", WHERE, f"there is no row of the credential {id_}", fix, position, key.stream)
    else:
        is_swapped = not fits(key, id_, row.hash)
        if columns := [*row.columns, *(["hash"] if is_swapped else [])]:
            detail = f"the row of the credential {id_} is not what the log gives: {', '.join(columns)}"
            fix = _STOLEN if is_swapped and not registry_fits else _REPAIR
            yield Finding("changed", WHERE, detail, fix, position, key.stream)


def _copied(rows: Sequence[Secret], owners: Sequence[Any]) -> Iterator[Finding]:
    by_hash = {owner["secret_hash"]: owner for owner in owners}
    for row in rows:
        owner = by_hash.get(row.hash)
        if owner is not None and owner["credential_id"] != row.public_id:
            detail = f"the row {row.public_id!r} has the secret of the credential {owner['credential_id']}"
            yield Finding("extra", WHERE, detail, _STRANGER, None, f"key-{owner['public_id']}")


def _not_compared(error: GatewayError) -> Finding:
    kind = "missing" if isinstance(error, GatewayTableAbsent) else "not_compared"
    return Finding(kind, WHERE, str(error), _AWAY)
