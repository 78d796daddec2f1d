"""Checks ClickHouse against the log: it must have the rows that the events give, and no others.

Compares one digest per table and range of positions, computed where the rows are. Only ranges that differ are read, and
reported event by event.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Context, Decimal
from hashlib import sha256
from typing import Final

from audit.report import Finding
from projections.engine.client import ClickHouse
from projections.engine.templates import Names, sql
from projections.ledger.applied import wait_until_applied
from projections.ledger.rows import LedgerRows, PriceRow, project
from projections.ledger.store import Store
from registry.errors import UndecodableEvent
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog

TABLES: Final = (
    "key_tag_change_v1",
    "key_life_v1",
    "key_credential_v1",
    "usage_anchor_v1",
    "usage_anchor_day_v1",
    "price_change_v1",
    "event_applied_v1",
)
RANGE: Final = 1000
_NAMED: Final = 100  # the maximum number reported for positions that the log does not have
REPAIR: Final = "keyledger audit verify --repair"
_LAG: Final = "check keyledger status, and start the projector again: it resumes after what is applied"
_LOST: Final = "docs/operate.md, Backup and restore: the log may have lost its tail"

# Decimal arithmetic that rounds nothing of a Decimal(38).
_EXACT: Final = Context(prec=76)

# The rows of one table at each position, as the texts that clickhouse/queries/verify/ledger_rows_<table>.sql makes.
Texts = dict[int, set[bytes]]


class LedgerCheck:
    """Compares a ledger with a log, window by window. Methods raise ClickHouseError."""

    def __init__(self, clickhouse: ClickHouse, names: Names, log_id: str) -> None:
        self._clickhouse = clickhouse
        self._names = names
        self._log_id = log_id
        self._until = 0

    async def wait(self, store: Store, head: int, wait_s: float) -> list[Finding]:
        """Give a running projector time to apply everything; report if it does not."""
        applied = (await wait_until_applied(store, head, wait_s)).position
        self._until = min(head, max(applied, (await store.frontier()).greatest))
        if applied >= head:
            return []
        detail = f"nothing is applied after position {applied}, and the log's head is {head}"
        return [Finding("not_applied", "event_applied_v1", detail, _LAG, applied + 1)]

    async def check(self, linked: Sequence[Linked]) -> list[Finding]:
        """Compare the rows of consecutive events, as far as ClickHouse has them."""
        linked = [one for one in linked if one.event.position <= self._until]
        if not linked:
            return []
        # A gap before the first event is a finding of the log check.
        after, until = linked[0].event.position - 1, linked[-1].event.position
        unknown = {one.event.position for one in linked if not one.previous_hash}
        expected = texts(linked, self._log_id)
        found = await asyncio.gather(*(self._table(table, expected[table], after, until, unknown) for table in TABLES))
        return sorted((one for some in found for one in some), key=lambda finding: finding.position or 0)

    async def beyond(self, log: EventLog, head: int) -> list[Finding]:
        """Rows at positions that the log does not have: before its first event, or after its head."""
        found: list[Finding] = []
        for table in TABLES:
            rows = await self._clickhouse.query(
                sql("queries/verify/ledger_beyond", self._names, table=table), {"head": head, "limit": _NAMED}
            )
            positions = [position for (position,) in rows]
            # Queried after ClickHouse: what was appended since the audit began is in the log by now.
            held = await log.hashes([one for one in positions if 0 < one < 2**63]) if positions else {}
            found += [
                Finding("extra", table, "the log has no such position", _LOST, position)
                for position in positions
                if position not in held
            ]
        return found

    async def _table(self, table: str, expected: Texts, after: int, until: int, unknown: set[int]) -> list[Finding]:
        found: list[Finding] = []
        bounds = {"after": after, "until": until}
        rows = await self._clickhouse.query(self._sql("verify/ledger_digest", table), {**bounds, "range": RANGE})
        there: dict[int, str] = dict(rows)
        right = digests(expected)
        for number in sorted(there.keys() | right.keys()):
            if there.get(number) != right.get(number):
                first, last = max(after, number * RANGE - 1), min(until, number * RANGE + RANGE - 1)
                found += await self._differences(table, expected, first, last, unknown)
        return found

    async def _differences(
        self, table: str, expected: Texts, after: int, until: int, unknown: set[int]
    ) -> list[Finding]:
        there: Texts = defaultdict(set)
        bounds = {"after": after, "until": until}
        for position, row in await self._clickhouse.query(self._sql("verify/ledger_rows_between", table), bounds):
            there[position].add(bytes.fromhex(row))
        found = []
        for position in range(after + 1, until + 1):
            held, right = there.get(position, set()), expected.get(position, set())
            if held != right and not (table == "event_applied_v1" and position in unknown):
                found.append(difference(table, position, len(right - held), len(held - right)))
        return found

    def _sql(self, path: str, table: str) -> str:
        return sql(f"queries/{path}", self._names, rows=sql(f"queries/verify/ledger_rows_{table}", self._names))


def texts(linked: Sequence[Linked], log_id: str) -> dict[str, Texts]:
    """The rows that events give, by table and position. Pure. An undecodable event gives only its applied row."""
    given: dict[str, Texts] = {table: defaultdict(set) for table in TABLES}
    for one in linked:
        event = one.event
        try:
            rows = project([event])
        except UndecodableEvent:
            rows = LedgerRows()
        for table, row in _row_texts(rows):
            given[table][event.position].add(row)
        hashes = (log_id, one.previous_hash.hex(), event.hash.hex())
        applied = _joined(str(event.position), *map(_prefixed, hashes), str(event.recorded_us))
        given["event_applied_v1"][event.position].add(applied)
    return given


def _row_texts(rows: LedgerRows) -> Iterator[tuple[str, bytes]]:
    for tag, public_id, at, position, value, us in rows.tag_changes:
        written = "-" if value is None else _prefixed(value)
        yield (
            "key_tag_change_v1",
            _joined(_prefixed(tag), _prefixed(public_id), str(at), str(position), written, str(us)),
        )
    for public_id, at, position, kind, expiration_ms, us in rows.life:
        last = (_prefixed(kind), _optional(expiration_ms), str(us))
        yield "key_life_v1", _joined(_prefixed(public_id), str(at), str(position), *last)
    for credential_id, public_id, at, position, kind, expires_ms, us in rows.credentials:
        last = (_prefixed(kind), _optional(expires_ms), str(us))
        yield (
            "key_credential_v1",
            _joined(_prefixed(credential_id), _prefixed(public_id), str(at), str(position), *last),
        )
    for source, *numbers in rows.anchors:
        yield "usage_anchor_v1", _joined(_prefixed(source), *map(str, numbers))
    for source, *sums, cost_usd, fingerprint in rows.anchor_days:
        yield "usage_anchor_day_v1", _joined(_prefixed(source), *map(str, sums), _amount(cost_usd), str(fingerprint))
    for price in rows.prices:
        yield "price_change_v1", _joined(*_price_texts(price))


def _price_texts(row: PriceRow) -> Iterator[str]:
    price_id, position, at, kind, model, provider, tags, currency, *amounts, us = row
    yield from (_prefixed(str(price_id)), str(position), str(at), _prefixed(str(kind)), _prefixed(str(model)))
    yield "-" if provider is None else _prefixed(str(provider))
    named = sorted(tags.items()) if isinstance(tags, dict) else []
    yield "".join(_prefixed(name) + _prefixed(value) for name, value in named)
    yield _prefixed(str(currency))
    yield from (_amount(one) if isinstance(one, Decimal) else "-" for one in amounts)
    yield str(us)


def _amount(amount: Decimal) -> str:
    """As ClickHouse writes a Decimal: without zeros at the end."""
    return format(amount.normalize(_EXACT), "f")


def digests(rows: Mapping[int, set[bytes]]) -> dict[int, str]:
    """One digest per range of positions, as clickhouse/queries/verify/ledger_digest.sql computes it."""
    ranges: dict[int, set[bytes]] = defaultdict(set)
    for position, some in rows.items():
        ranges[position // RANGE] |= some
    return {number: sha256(b"\n".join(sorted(some))).hexdigest() for number, some in ranges.items()}


def _prefixed(text: str) -> str:
    return f"{len(text.encode())}:{text}"


def _optional(number: int | None) -> str:
    return "-" if number is None else str(number)


def _joined(*parts: str) -> bytes:
    return ",".join(parts).encode()


def difference(table: str, position: int, lacking: int, extra: int, fix: str = REPAIR) -> Finding:
    """The finding for a position at which a table lacks rows, has other rows, or both."""
    parts = [f"lacks {lacking} of its rows"] if lacking else []
    parts += [f"has {extra} that the log does not give"] if extra else []
    kind = "changed" if lacking and extra else "missing" if lacking else "extra"
    return Finding(kind, table, " and ".join(parts), fix, position)
