"""What the projector writes, and how far it got. Every write is idempotent: the tables drop duplicates."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from projections.engine import ddl
from projections.engine.client import ClickHouse, Row
from projections.engine.ddl import Names
from projections.flight import Remembered
from projections.ledger import rows as projected
from registry.log.log_position import NOWHERE, LogPosition
from registry.prices.terms import COUNTED

# A replica that is down must not hold up the others' reload: it reloads when it is back, or loads at its start.
_ON_CLUSTER: dict[str, str | int] = {
    "distributed_ddl_task_timeout": 10,
    "distributed_ddl_output_mode": "null_status_on_timeout",
}
# A checkpoint is worth its insert if it saves reading this many events: under load, and when idle.
CHECKPOINT_EVERY = 10_000
CHECKPOINT_QUIETLY = 1_000
_QUIET_S = 5.0
# The engine parses no statement longer than 262,144 bytes, and a pair has up to 90.
PAIRS_IN_A_STATEMENT = 2000
_ANCHOR_DAY = (
    "source",
    "journal",
    "day",
    "batch",
    "position",
    "rows",
    "inferences",
    "input_tokens",
    "output_tokens",
    "cached_input_tokens",
    "cached_output_tokens",
    "cost_usd",
    "fingerprint",
)
_TALLY = (
    "position",
    "tag_changes",
    "life",
    "credentials",
    "usage_anchors",
    "usage_anchor_days",
    "price_changes",
)
_PRICE_CHANGE = (
    "price_id",
    "position",
    "effective_ms",
    "kind",
    "model",
    "provider",
    "tags",
    "currency",
    *COUNTED,
    "per_inference",
    "cost_multiplier",
    "recorded_at",
)
# What the applied position is derived from.
_OF_APPLIED: Final = ("event_applied_v1", "applied_checkpoint_v1", "dead_letter_v1", "redelivered_v1")


@dataclass(frozen=True)
class Frontier:
    """The last event up to which everything is written and chained, and what is known about the events after it."""

    applied: LogPosition
    next_claims: int  # how many different events claim the next position
    next_fits: bool  # whether the next one names the hash of the last applied
    next_present: int  # the next position that is there; 0 if none is
    greatest: int  # the greatest position that is there
    waiting_s: float  # how long the first of them has been waiting
    failure: str  # what stopped a projector since the last event was applied
    redelivered: int  # events delivered again in the last thirty days
    redelivered_position: int  # the greatest of their positions


class Store:
    """The ledger's tables in ClickHouse, for one projector. A call returns when its rows are written.

    Rows are tuples in the order of the columns named below. Times are integers in the unit that ends their name, which
    costs a tenth of datetimes. `look` is what the frontier is read by, where that must not wait as long as a write.
    """

    def __init__(
        self,
        clickhouse: ClickHouse,
        names: Names,
        *,
        look: ClickHouse | None = None,
        checkpoint_every: int = CHECKPOINT_EVERY,
    ) -> None:
        self._clickhouse = clickhouse
        self._look = look or clickhouse
        self._names = names
        self._checkpoint_every = checkpoint_every
        self._since_checkpoint = checkpoint_every  # the first write leaves a checkpoint: short runs must not add up
        self._checkpoint_s = 0.0
        read = [f"{names.database}.{table}" for table in _OF_APPLIED]
        self._applied = Remembered(self._look_at_applied, lambda: clickhouse.written(*read))
        self._stop = ""  # what stopped a projector of this process, also if it could not be saved

    async def write(self, rows: projected.LedgerRows, applied: Sequence[Row]) -> None:
        """Write all rows of some events, then mark the events applied: a crash in between leaves nothing half billed.

        For `applied` see `insert_applied`.
        """
        await asyncio.gather(
            self.insert_tag_changes(rows.tag_changes),
            self.insert_life(rows.life),
            self.insert_credentials(rows.credentials),
            self.insert_anchors(rows.anchors),
            self.insert_anchor_days(rows.anchor_days),
            self.insert_prices(rows.prices),
            self.insert_tally(projected.tally(rows, [row[0] for row in applied])),
        )
        await self.insert_applied(applied)

    async def insert_tag_changes(self, rows: Sequence[Row]) -> None:
        """(tag, public_id, effective_ms, position, value or None when removed, recorded_us)."""
        columns = ("tag", "public_id", "effective_ms", "position", "value", "recorded_at")
        await self._insert("key_tag_change_v1", rows, columns)

    async def insert_life(self, rows: Sequence[Row]) -> None:
        """(public_id, effective_ms, position, kind, expiration_ms or None, recorded_us)."""
        columns = ("public_id", "effective_ms", "position", "kind", "expiration_ms", "recorded_at")
        await self._insert("key_life_v1", rows, columns)

    async def insert_credentials(self, rows: Sequence[Row]) -> None:
        """(credential_id, public_id, effective_ms, position, kind, expires_ms or None, recorded_us)."""
        columns = (
            "credential_id",
            "public_id",
            "effective_ms",
            "position",
            "kind",
            "expires_ms",
            "recorded_at",
        )
        await self._insert("key_credential_v1", rows, columns)

    async def insert_anchors(self, rows: Sequence[Row]) -> None:
        """(source, journal, batch, position, part, parts, recorded_us)."""
        columns = ("source", "journal", "batch", "position", "part", "parts", "recorded_at")
        await self._insert("usage_anchor_v1", rows, columns)

    async def insert_anchor_days(self, rows: Sequence[Row]) -> None:
        """(source, journal, day or NO_DAY, batch, position, then the day's sums)."""
        await self._insert("usage_anchor_day_v1", rows, _ANCHOR_DAY)

    async def insert_prices(self, rows: Sequence[Row]) -> None:
        """(price_id, position, effective_ms, kind, model, provider, tags, currency, the amounts, recorded_us)."""
        await self._insert("price_change_v1", rows, _PRICE_CHANGE)

    async def insert_tally(self, rows: Sequence[Row]) -> None:
        """The position, and the numbers of the event's rows: see `projected.tally`."""
        await self._insert("ledger_tally_v2", rows, _TALLY)

    async def insert_applied(self, rows: Sequence[Row]) -> None:
        """(position, log_id, previous_hash, hash, recorded_us): write these after all other rows of the events.

        Sometimes also writes a checkpoint, so that `applied` stays cheap; if that fails, nothing is lost.
        """
        await self._insert("event_applied_v1", rows, ("position", "log_id", "previous_hash", "hash", "recorded_at"))
        self._since_checkpoint += len(rows)
        quiet = time.monotonic() - self._checkpoint_s > _QUIET_S
        every = min(CHECKPOINT_QUIETLY, self._checkpoint_every) if quiet else self._checkpoint_every
        if self._since_checkpoint >= every:
            await self._clickhouse.command(ddl.sql("queries/ledger/checkpoint", self._names))
            self._since_checkpoint, self._checkpoint_s = 0, time.monotonic()

    async def applied(self) -> LogPosition:
        """How far everything is applied, derived from the rows themselves; NOWHERE before the first event.

        Those who ask at the same time share one look, which began after they asked.
        """
        return await self._applied()

    async def _look_at_applied(self) -> LogPosition:
        rows = await self._clickhouse.query(ddl.sql("queries/ledger/applied", self._names))
        return _place(*rows[0])

    async def already(self, events: Collection[tuple[int, str]]) -> set[int]:
        """Which of these (position, hash) are applied, which means that all their rows are written."""
        pairs = [f"({int(position)}, '{bytes.fromhex(hash_).hex()}')" for position, hash_ in events]
        found: set[int] = set()
        for first in range(0, len(pairs), PAIRS_IN_A_STATEMENT):
            some = ", ".join(pairs[first : first + PAIRS_IN_A_STATEMENT])
            rows = await self._clickhouse.query(ddl.sql("queries/ledger/already", self._names, events=some))
            found |= {position for (position,) in rows}
        return found

    async def insert_stop(self, projector: str, failure: str) -> None:
        """Record what stopped a projector, or with "" that it goes on. It counts until something is applied after it.

        If that fails, the failure counts in this process all the same.
        """
        self._stop = failure
        applied = await self.applied()
        row = (projector, applied.position, failure, datetime.now(UTC))
        await self._insert("projector_stop_v1", [row], ("projector", "position", "failure", "stopped_at"))

    async def frontier(self) -> Frontier:
        """How far everything is applied, and what blocks the rest."""
        rows = await self._look.query(ddl.sql("queries/ledger/frontier", self._names))
        position, hash_, log_id, *after = rows[0]
        frontier = Frontier(_place(position, hash_, log_id), *after)
        return replace(frontier, failure=frontier.failure or self._stop)

    async def reload_dictionary(self) -> None:
        """Reload `key_tags`; lookups see the old contents until it is done. Debounce it: it reads everything."""
        on_cluster = self._names.on_cluster
        sql = f"SYSTEM RELOAD DICTIONARY{on_cluster} {self._names.database}.key_tags"
        await self._clickhouse.command(sql, settings=_ON_CLUSTER if on_cluster else None)

    async def _insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        await self._clickhouse.insert(f"{self._names.database}.{table}", rows, columns)


def _place(position: int, hash_: str, log_id: str) -> LogPosition:
    """A position from the texts that ClickHouse stores. Texts that are not ours give a position of no log."""
    if position == 0:
        return NOWHERE
    try:
        return LogPosition(UUID(log_id), position, bytes.fromhex(hash_))
    except ValueError:
        return LogPosition(NOWHERE.log_id, position, b"")
