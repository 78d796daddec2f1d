"""Writes batches to PostgreSQL, each in one transaction under the log's lock.

It uses the driver below SQLAlchemy (asyncpg): its four round trips limit the whole write path (bench/append.py).

Why one lock: a reader that tails a sequence skips the rows of a slower transaction. So every append first takes one
transaction-scoped advisory lock, and only then reads the head, numbers, stamps, inserts and commits: position order is
commit order, and there are no gaps. The lock costs nothing once appends are batched (`group_commit`).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.causes import away
from registry.db.connection import TRANSPORT_ERRORS, DriverConnection
from registry.errors import OutcomeUnknown
from registry.keys.events import CLOCK_STREAM
from registry.keys.state import KeyState
from registry.log import sql, stream_state
from registry.log.append import state_rows
from registry.log.append.append_hook import AppendHook
from registry.log.append.batch import Batch, Outcome, places, repeats, wanted
from registry.log.append.clock_watch import Accepted, ClockWatch
from registry.log.append.limits import Limits, Refusal
from registry.log.event_log import COLUMNS, AnyWrite, Head, RecordedEvent
from registry.policy.events import POLICY_STREAM
from registry.policy.sql import CURRENT
from registry.policy.state import PolicyState, state_of
from registry.repeats.sql import KEEP, KNOWN

# The log's only lock: the text `keyledge` as a 64-bit number. Advisory locks are per database.
APPEND_LOCK: Final = int.from_bytes(b"keyledge")
# Streams that are decided on at once without keeping the loop from others.
_QUICKLY: Final = 300


class Writer:
    """Writes batches to one log, whose chain begins with `genesis_hash`.

    `committed` gets the states, by stream, that each append changes, and the position of the last event.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        genesis_hash: bytes,
        limits: Limits,
        hook: AppendHook | None,
        refusal: Refusal,
        committed: Callable[[Mapping[str, Any], int], None],
    ) -> None:
        self._engine = engine
        self._genesis_hash = genesis_hash
        self._hook = hook
        self._watch = ClockWatch(limits.clock)
        self._refusal = refusal
        self._committed = committed
        self._policy: PolicyState | None = None
        self._connection = DriverConnection(engine)
        lock_ms, statement_ms = (int(s * 1000) for s in (limits.lock_timeout_s, limits.statement_timeout_s))
        # One round trip. SET LOCAL, so that it also works behind a connection pooler.
        self._begin = (
            "BEGIN ISOLATION LEVEL READ COMMITTED;"
            f"SET LOCAL lock_timeout = {lock_ms}; SET LOCAL statement_timeout = {statement_ms};"
            "SET LOCAL plan_cache_mode = force_generic_plan;"  # planning each time cost as much as the statements
            f"SELECT pg_advisory_xact_lock({APPEND_LOCK})"
        )

    async def close(self) -> None:
        """Close the connection. The engine stays the caller's."""
        await self._connection.close()

    async def append(self, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """Run one transaction. Raises Busy if nothing was appended, OutcomeUnknown if that is not known."""
        try:
            driver = await self._connection.get()
            try:
                return await self._append(driver, writes)
            except BaseException:
                # Whatever happened, the connection must not stay in a transaction that holds the lock.
                try:
                    await driver.execute("ROLLBACK")
                except TRANSPORT_ERRORS:
                    await self._connection.close()
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
        self._committed(batch.changed, batch.head.position)
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
        head = Head(position, first["hash"] if position else self._genesis_hash, first["recorded_at"])
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
