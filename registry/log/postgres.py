"""The event log in PostgreSQL.

Reads and the pool use SQLAlchemy. The append uses the driver below it (asyncpg), because its four round trips limit the
whole write path (bench/append.py).

Why one lock: a reader that tails a sequence skips the rows of a slower transaction. So every append first takes one
transaction-scoped advisory lock, and only then reads the head, numbers, stamps, inserts and commits: position order is
commit order, and there are no gaps. The lock costs nothing once appends are batched (`group_commit`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db import tables
from registry.db.causes import away, is_not_migrated, place_of
from registry.db.connection import (
    RAW_EPOCH_US,
    TRANSPORT_ERRORS,
    DriverConnection,
    instants_as_raw_us,
)
from registry.db.schema_version import READ_VERSION, refuse_newer
from registry.errors import Busy, NotMigrated, OutcomeUnknown
from registry.instant import from_us
from registry.keys.events import CLOCK_STREAM
from registry.keys.state import KeyState
from registry.log import chain, sql, state_rows, stream_state
from registry.log.append_hook import AppendHook
from registry.log.batch import Batch, Outcome, places, repeats, wanted
from registry.log.clock_watch import Accepted, ClockBounds, ClockWatch
from registry.log.event_log import (
    COLUMNS,
    AnyWrite,
    Head,
    RecordedEvent,
    Write,
    WriteMany,
    Written,
    WrittenMany,
)
from registry.log.group_commit import GroupCommit
from registry.log.notifications import CommitNotifier
from registry.policy.events import POLICY_STREAM
from registry.policy.sql import CURRENT
from registry.policy.state import PolicyState, state_of
from registry.repeats.sql import KEEP, KNOWN

# The log's only lock: the text `keyledge` as a 64-bit number. Advisory locks are per database.
APPEND_LOCK: Final = int.from_bytes(b"keyledge")
# Streams that are decided on at once without keeping the loop from others.
_QUICKLY: Final = 300


# Why only what stops something may be recorded now; None where all may be.
Refusal = Callable[[], Busy | None]


def nothing_refused() -> None:
    """All may be recorded."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the append: batch and queue in writes, the others in time."""

    max_batch: int = 256
    max_queue: int = 10_000
    lock_timeout_s: float = 5.0
    statement_timeout_s: float = 30.0
    clock: ClockBounds = field(default_factory=ClockBounds)


class PostgresEventLog:
    """See EventLog. Created by `open_log`."""

    def __init__(
        self,
        engine: AsyncEngine,
        log_id: UUID,
        limits: Limits,
        append_hook: AppendHook | None = None,
        refusal: Refusal = nothing_refused,
    ) -> None:
        self._engine = engine
        self._log_id = log_id
        self._limits = limits
        self._hook = append_hook
        self._watch = ClockWatch(limits.clock)
        self._refusal = refusal
        self._policy: PolicyState | None = None
        self._observers: list[Callable[[Mapping[str, Any]], None]] = []
        self._group = GroupCommit(
            self._flush,
            max_batch=limits.max_batch,
            max_queue=limits.max_queue,
            max_of_one=max(1, limits.max_queue // 2),
        )
        self._writer = DriverConnection(engine)
        self._reader = DriverConnection(engine, prepare=instants_as_raw_us)
        self._notifier = CommitNotifier(engine)
        lock_ms, statement_ms = (int(s * 1000) for s in (limits.lock_timeout_s, limits.statement_timeout_s))
        # One round trip. SET LOCAL, so that it also works behind a connection pooler.
        self._begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED;"
            f"SET LOCAL lock_timeout = {lock_ms}; SET LOCAL statement_timeout = {statement_ms};"
            "SET LOCAL plan_cache_mode = force_generic_plan;"  # planning each time cost as much as the statements
            f"SELECT pg_advisory_xact_lock({APPEND_LOCK})"
        )

    @property
    def log_id(self) -> UUID:
        """See EventLog."""
        return self._log_id

    @property
    def genesis_hash(self) -> bytes:
        """See EventLog."""
        return chain.genesis_hash(self._log_id)

    async def write(self, write: Write) -> Written:
        """See EventLog."""
        return await self._group.submit(write)

    async def write_many(self, write: WriteMany) -> WrittenMany:
        """See EventLog."""
        return await self._group.submit(write)

    def observe(self, changed: Callable[[Mapping[str, Any]], None]) -> None:
        """See EventLog."""
        self._observers.append(changed)

    async def read(self, after: int, limit: int) -> list[RecordedEvent]:
        """See EventLog."""
        return _recorded(await self._reader.fetch(sql.READ, after, limit))

    async def hashes(self, positions: Sequence[int]) -> dict[int, bytes]:
        """See EventLog."""
        return dict(await self._reader.fetch(sql.HASHES, list(positions)))

    async def read_stream(self, stream: str) -> list[RecordedEvent]:
        """See EventLog."""
        return _recorded(await self._reader.fetch(sql.READ_STREAMS, [stream]))

    async def head(self) -> Head:
        """See EventLog."""
        rows = await self._reader.fetch(sql.HEAD)
        if not rows:
            return Head(0, chain.genesis_hash(self._log_id), None)
        position, hash_, recorded = rows[0]
        return Head(position, hash_, _instant(recorded + RAW_EPOCH_US))

    async def wait_beyond(self, position: int, timeout_s: float) -> None:
        """See EventLog. Does not close the engine, which belongs to the caller."""
        await self._notifier.wait_beyond(position, timeout_s)

    async def close(self) -> None:
        """See EventLog. The engine stays the caller's."""
        await self._group.close()
        await self._notifier.close()
        await self._writer.close()
        await self._reader.close()

    async def _flush(self, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """Run one transaction. Raises Busy if nothing was appended, OutcomeUnknown if that is not known."""
        try:
            driver = await self._writer.get()
            try:
                return await self._append(driver, writes)
            except BaseException:
                # Whatever happened, the connection must not stay in a transaction that holds the lock.
                try:
                    await driver.execute("ROLLBACK")
                except TRANSPORT_ERRORS:
                    await self._writer.close()
                raise
        except OutcomeUnknown:
            raise
        except TRANSPORT_ERRORS as error:
            raise away(error, self._engine.url) from error

    async def _append(self, driver: Any, writes: Sequence[AnyWrite]) -> list[Outcome]:
        await driver.execute(self._begin)
        batch = await self._read_batch(driver, writes)
        outcomes = await self._decided(batch, writes)
        if batch.appended:
            columns = [[getattr(event, column) for event in batch.appended] for column in COLUMNS]
            await driver.fetch(sql.APPEND, *columns, *state_rows.columns(batch.changed, batch.secrets))
            await self._run_hook(driver, batch)
        if batch.kept:
            rows = [(repeat_id, *kept) for repeat_id, kept in batch.kept.items()]
            await driver.fetch(KEEP, *map(list, zip(*rows, strict=True)))
        try:
            await driver.execute("COMMIT")
        except TRANSPORT_ERRORS as error:
            raise OutcomeUnknown from error
        for observer in self._observers:
            observer(batch.changed)
        self._notifier.notify(batch.head.position)
        return outcomes

    async def _decided(self, batch: Batch, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """What the batch decides: apart from the loop where that takes a while, as others are answered meanwhile."""
        if len(batch.versions) <= _QUICKLY:
            return batch.run(writes)
        return await asyncio.to_thread(batch.run, writes)

    async def _accepted_clock(self, driver: Any) -> Accepted | None:
        row = await driver.fetchrow(sql.ACCEPTED_CLOCK, CLOCK_STREAM)
        return None if row is None else Accepted(*row)

    async def _tag_policy(self, driver: Any, version: int) -> PolicyState | None:
        """The tag policy at a version, read once for each."""
        if self._policy is None or self._policy.version != version:
            self._policy = state_of(await driver.fetchrow(CURRENT, POLICY_STREAM)) if version else None
        return self._policy

    async def _run_hook(self, driver: Any, batch: Batch) -> None:
        """Write what must be true as soon as the append is, if there is a hook."""
        keys = [] if self._hook is None else [one for one in batch.changed.values() if isinstance(one, KeyState)]
        if self._hook is not None and keys:
            await self._hook.write(driver, keys)

    async def _read_batch(self, driver: Any, writes: Sequence[AnyWrite]) -> Batch:
        """Read, under the lock, what the batch is decided on."""
        streams = wanted(writes)
        rows = await driver.fetch(sql.STREAM_VIEWS, list(streams) or [""])  # one row at least: it has the head
        first = rows[0]
        position = first["position"] or 0
        genesis = chain.genesis_hash(self._log_id)
        head = Head(position, first["hash"] if position else genesis, first["recorded_at"])
        behind = self._watch.is_behind(head, first["clock"])
        accepted = await self._accepted_clock(driver) if behind else None
        clock, clock_fault = self._watch.look(head, first["clock"], accepted)
        histories: dict[str, list[RecordedEvent]] = {stream: [] for stream, whole in streams.items() if whole}
        if histories:
            for row in await driver.fetch(sql.READ_STREAMS, list(histories)):
                histories[row["stream"]].append(RecordedEvent.from_columns(row))
        rivals = await driver.fetch(sql.RIVALS, *zip(*at, strict=True)) if (at := places(writes)) else []
        maybe = repeats(writes)
        answered = {row["id"] for row in await driver.fetch(KNOWN, maybe)} if maybe else set()
        versions = {row["stream"]: row["version"] for row in rows}
        states = {row["stream"]: stream_state.load(row["stream"], row["document"]) for row in (*rivals, *rows)}
        if POLICY_STREAM in versions:
            states[POLICY_STREAM] = await self._tag_policy(driver, versions[POLICY_STREAM])
        return Batch(
            head=head,
            clock=clock,
            refusal=clock_fault or self._refusal(),
            by_clock=behind,
            versions=versions,
            states=states,
            histories=histories,
            answered=answered,
            new_salt=lambda: secrets.token_bytes(16),
        )


def _recorded(rows: Sequence[Any]) -> list[RecordedEvent]:
    # Spelt out: a slice or a star would create one more object per event.
    return [
        RecordedEvent(
            position, stream, version, kind, schema_version, recorded + RAW_EPOCH_US, effective + RAW_EPOCH_US, actor,
            on_behalf_of, request_id, reason, payload, salt, digest, hash_,
        )
        for (
            position, stream, version, kind, schema_version, recorded, effective, actor, on_behalf_of, request_id,
            reason, payload, salt, digest, hash_,
        ) in rows
    ]  # fmt: skip


def _instant(us: int) -> datetime:
    """The nearest datetime: a tampered value must not keep auditors from reading the log."""
    try:
        return from_us(us)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC) if us > 0 else datetime.min.replace(tzinfo=UTC)


async def open_log(
    engine: AsyncEngine,
    limits: Limits | None = None,
    append_hook: AppendHook | None = None,
    refusal: Refusal = nothing_refused,
) -> PostgresEventLog:
    """Open the log in a migrated database; `append_hook` writes with each append.

    `refusal` says before each append why only what stops something may be recorded now, if that is so.

    Raises NotMigrated if there is no log or its chain rule is not ours, SchemaTooNew, or DatabaseAway.
    """
    row = None
    try:
        async with engine.connect() as connection:
            row = (await connection.execute(select(tables.log_identity))).first()
            refuse_newer(await connection.scalars(READ_VERSION))
    except TRANSPORT_ERRORS as error:
        if is_not_migrated(error):
            raise NotMigrated(place_of(engine.url)) from error
        raise away(error, engine.url) from error
    if row is None or row.chain_rule != chain.CHAIN_RULE:
        raise NotMigrated(place_of(engine.url))
    return PostgresEventLog(engine, row.log_id, limits or Limits(), append_hook, refusal)
