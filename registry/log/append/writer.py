"""Writes batches to PostgreSQL, each in one transaction under the log's lock.

Why one lock: a reader that tails a sequence skips the rows of a slower transaction. So what a batch was decided on must
still be the head once its transaction has the lock: position order is commit order, and there are no gaps.

Round trips limit the whole write path (bench/append.py), so this uses the driver below SQLAlchemy (asyncpg), and a
batch is first decided on what this process remembers, or reads without the lock. One statement then takes the lock,
compares the head, inserts and commits. Where somebody else wrote in between, nothing is written, and the batch is
decided again under the lock: four round trips.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from asyncpg import UniqueViolationError
from sqlalchemy.ext.asyncio import AsyncEngine

from registry.db.causes import away
from registry.db.connection import TRANSPORT_ERRORS, DriverConnection
from registry.errors import OutcomeUnknown
from registry.keys.events import CLOCK_STREAM
from registry.keys.state import KeyState
from registry.log import sql, stream_state
from registry.log.append.append_hook import AppendHook
from registry.log.append.batch import Batch, Outcome, new_streams, places, repeats, wanted
from registry.log.append.clock_watch import Accepted, ClockWatch
from registry.log.append.known_head import KnownHead, Patience
from registry.log.append.limits import Limits, Refusal
from registry.log.append.statement import LEEWAY, Turn, write_batch
from registry.log.event_log import AnyWrite, Head, RecordedEvent
from registry.policy.events import POLICY_STREAM
from registry.policy.sql import CURRENT
from registry.policy.state import PolicyState, state_of
from registry.repeats.sql import KNOWN

# The log's only lock: the text `keyledge` as a 64-bit number. Advisory locks are per database.
APPEND_LOCK: Final = int.from_bytes(b"keyledge")
# How many batches may be under way: the next is decided and sent while the server writes the first.
LANES: Final = 2
_BEGIN: Final = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({APPEND_LOCK})"  # one round trip
# For how long the database's clock is known after it was read.
_FRESH: Final = timedelta(seconds=1)
# Streams that are decided on at once without keeping the loop from others.
_QUICKLY: Final = 300


def _salt() -> bytes:
    return secrets.token_bytes(16)


def _drop_kept(writes: Sequence[AnyWrite]) -> None:
    """Nothing of the batch was written: what was made to be kept is not, as it is decided again."""
    for keeping in (write.keeping for write in writes):
        if keeping is not None:
            keeping.drop()


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
        self._known = KnownHead()
        self._patience = Patience()
        options = {
            "lock_timeout": int(limits.lock_timeout_s * 1000),
            "statement_timeout": int(limits.statement_timeout_s * 1000),
            "plan_cache_mode": "force_generic_plan",  # planning each time cost as much as the statements
            # With a later one, what is read under the lock would be as it was before the wait for it.
            "default_transaction_isolation": "'read committed'",
        }
        self._settings = ";".join(f"SET {name} = {value}" for name, value in options.items())
        self._connections = [DriverConnection(engine, prepare=self._prepare) for _ in range(LANES)]
        self._deciding = asyncio.Lock()
        self._sent: asyncio.Future[bool] | None = None

    async def _prepare(self, driver: Any) -> None:
        self._policy = None  # the server may be another, that lost the last events
        await driver.execute(self._settings)

    async def close(self) -> None:
        """Close the connections. The engine stays the caller's."""
        for connection in self._connections:
            await connection.close()

    async def append(self, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """Run one transaction; at most LANES calls may be under way.

        Raises Busy if nothing was appended, OutcomeUnknown if that is not known.
        """
        connection = self._connections.pop()
        try:
            outcomes = await self._unlocked(connection, writes)
            return outcomes if outcomes is not None else await self._locked(connection, writes)
        except OutcomeUnknown:
            raise
        except TRANSPORT_ERRORS as error:
            raise away(error, self._engine.url) from error
        finally:
            self._connections.append(connection)

    async def _unlocked(self, connection: DriverConnection, writes: Sequence[AnyWrite]) -> list[Outcome] | None:
        """Decide first, and take the lock in the statement that writes; None where that did not work."""
        if self._hook is not None or not self._patience.is_over():
            return None
        driver = await connection.get()
        # Decisions are made one after the other, each on what the one before has left.
        async with self._deciding:
            before = self._sent if self._sent is not None and not self._sent.done() else None
            batch = self._remembered(writes)
            if batch is None:
                if before is not None:
                    await asyncio.wait([before])
                    before = None
                batch = await self._read_batch(driver, writes)
            if batch.refusal is not None or batch.by_clock:
                return None
            turn = Turn(batch.head, batch.rebuilds, batch.clock, repeats(writes))
            outcomes = await self._decided(batch, writes)
            self._known.became(turn.head, batch)
            self._sent = sent = asyncio.get_running_loop().create_future()
        written = False
        try:
            written = await self._written(driver, batch, turn, before)
            self._patience.tried(well=written)
            if written:
                self._committed(batch.changed, batch.head.position)
        finally:
            if not written:
                self._known.forget()
            sent.set_result(written)
        if written:
            return outcomes
        _drop_kept(writes)
        return None

    async def _written(self, driver: Any, batch: Batch, turn: Turn, before: asyncio.Future[bool] | None) -> bool:
        """Write what was decided without the lock; False where something else came first, and nothing was written."""
        if driver.is_closed():  # meanwhile, and nothing was sent
            return False
        try:
            written = await write_batch(driver, batch, turn)
            if before is not None:  # also so that who watches the log hears of that first
                waited_s = time.monotonic()
                await asyncio.wait([before])
                waited_s = time.monotonic() - waited_s
                # This may have had the lock before the batch that it was decided on.
                if not written and before.result() and waited_s < LEEWAY.total_seconds():
                    written = await write_batch(driver, batch, turn)
        except UniqueViolationError:  # an id that was not new
            return False
        except TRANSPORT_ERRORS as error:
            if driver.is_closed():
                raise OutcomeUnknown from error
            raise
        return written

    def _remembered(self, writes: Sequence[AnyWrite]) -> Batch | None:
        """The batch without any question, where all that it needs is known."""
        clock, head = self._watch.now(_FRESH), self._known.head
        streams = wanted(writes)
        if head is None or clock is None or self._watch.is_behind(head, clock):
            return None
        if places(writes) or any(streams.values()):
            return None
        views = self._known.views(streams, new_streams(writes))
        if views is None:
            return None
        versions, states = views
        return Batch(
            head=head,
            clock=clock,
            refusal=self._refusal(),
            versions=versions,
            states=states,
            histories={},
            rebuilds=self._known.rebuilds,
            new_salt=_salt,
        )

    async def _locked(self, connection: DriverConnection, writes: Sequence[AnyWrite]) -> list[Outcome]:
        """Take the lock first."""
        driver = await connection.get()
        try:
            await driver.execute(_BEGIN)
            batch = await self._read_batch(driver, writes)
            base = batch.head
            outcomes = await self._decided(batch, writes)
            if batch.appended or batch.kept:
                await write_batch(driver, batch)
                await self._run_hook(driver, batch)
            try:
                await driver.execute("COMMIT")
            except TRANSPORT_ERRORS as error:
                raise OutcomeUnknown from error
        except BaseException:
            self._known.forget()
            # Whatever happened, the connection must not stay in a transaction that holds the lock.
            try:
                await driver.execute("ROLLBACK")
            except TRANSPORT_ERRORS:
                await connection.close()
            raise
        self._known.became(base, batch)
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
        """Read what the batch is decided on."""
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
            rebuilds=first["rebuilds"],
            new_salt=_salt,
        )
