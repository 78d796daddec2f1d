"""Batches that are decided before they have the log's lock: one statement where nobody else writes, and never wrong."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from asyncpg import Connection
from asyncpg.connection import LoggedQuery

from registry.errors import AlreadyAnswered, Busy, Conflict
from registry.log.append.limits import Limits
from registry.log.append.statement import LEEWAY, write_states
from registry.log.append.writer import APPEND_LOCK
from registry.log.event_log import Keeping, NewEvent, StreamView, Write
from registry.log.postgres import PostgresEventLog, open_log
from tests.support.contracts.writes import CALLER, assert_whole, new_key, note, noted, read_all
from tests.support.servers.databases import Database

TAKE_TURN = """
SELECT keyledger.take_turn(position, hash, 0, clock_timestamp() + $1, $2, NULL, '24 hours')
FROM keyledger.event
"""


@dataclass
class Logs:
    """Logs of one database, as processes have them, and the statements that were sent since it was asked last."""

    database: Database
    _stack: AsyncExitStack
    _sent: list[str] = field(default_factory=list)

    async def opened(self, limits: Limits | None = None) -> PostgresEventLog:
        """A log that knows nothing yet."""
        engine = await self._stack.enter_async_context(self.database.engine())
        log = await open_log(engine, limits)
        self._stack.push_async_callback(log.close)
        for connection in log._writer._connections:
            driver: Connection = await connection.get()
            driver.add_query_logger(self._note)
        return log

    def sent(self) -> list[str]:
        """How each statement began."""
        sent, self._sent[:] = self._sent[:], []
        return sent

    async def _note(self, query: LoggedQuery) -> None:
        self._sent.append(" ".join(query.query.split("\n", 1)[0].split()[:2]))


@pytest.fixture
async def logs(database: Database) -> AsyncIterator[Logs]:
    """Logs that are closed at the end."""
    async with AsyncExitStack() as stack:
        yield Logs(database, stack)


async def settled(log: PostgresEventLog, write: Write) -> None:
    """Write, and let the driver tell of its statements."""
    await log.write(write)
    await asyncio.sleep(0.01)


async def test_a_stream_that_is_known_takes_one_statement_and_another_two(logs: Logs) -> None:
    log = await logs.opened()
    await log.write(note("one"))
    await log.write(note("two"))
    logs.sent()
    await settled(log, note("one"))
    assert logs.sent() == ["-- Append"]
    await settled(log, note("three"))
    assert logs.sent() == ["-- What", "-- Append"]
    await settled(log, replace(new_key("k" * 12), new=True))
    assert logs.sent() == ["-- Append"]
    assert_whole(await read_all(log), log.genesis_hash)


async def test_what_another_process_wrote_is_decided_on_and_not_what_is_remembered(logs: Logs) -> None:
    one, other = await logs.opened(), await logs.opened()
    seen: list[int] = []

    def decide(view: StreamView) -> Sequence[NewEvent]:
        """Nothing to do the first time, as who remembers sees it."""
        seen.append(view.version)
        return noted("", times=0 if view.version == 1 else 1)

    await one.write(note("s"))
    await other.write(note("s"))
    written = await one.write(Write("s", decide, CALLER))
    assert seen == [1, 2]
    assert (written.position, [event.version for event in written.events]) == (3, [3])
    assert_whole(await read_all(one), one.genesis_hash)


async def test_an_id_that_was_not_new_is_looked_up_after_all(logs: Logs) -> None:
    one, other = await logs.opened(), await logs.opened()
    await one.write(new_key("k" * 12))
    await other.write(note("s"))
    with pytest.raises(Conflict):
        await other.write(replace(new_key("k" * 12), new=True))
    assert [event.type for event in await read_all(one)] == ["KeyCreated", "KeyDescribed"]


async def test_a_request_that_has_its_answer_elsewhere_is_not_decided_from_memory(logs: Logs) -> None:
    one, other = await logs.opened(), await logs.opened()
    await one.write(note("s"))
    keeping = Keeping(b"i" * 32, lambda _written: (b"digest", b"sealed"))
    await other.write(replace(note("s", times=0), keeping=keeping))  # the head stays
    with pytest.raises(AlreadyAnswered):
        await one.write(replace(note("s"), keeping=keeping))
    assert (await one.head()).position == 1


async def test_a_request_that_is_refused_is_not_answered_where_it_has_its_answer(logs: Logs) -> None:
    one, other = await logs.opened(), await logs.opened()
    await one.write(note("s"))
    keeping = Keeping(b"i" * 32, lambda _written: (b"digest", b"sealed"))
    await other.write(replace(note("s", times=0), keeping=keeping))
    with pytest.raises(AlreadyAnswered):
        await one.write(replace(note("s", expected_version=7), keeping=keeping))


async def test_a_row_that_was_repaired_is_not_written_over_with_what_was_remembered(
    logs: Logs, database: Database
) -> None:
    log, stream = await logs.opened(), "key-" + "k" * 12
    state = (await log.write(new_key("k" * 12, tier="gold"))).state
    nothing = Write(stream, lambda _view: (), CALLER)
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.key_state SET document = replace(document, 'gold', 'free')")
        other = await logs.opened()
        await other.write(nothing)  # it remembers what it read
        async with owner.transaction():
            await owner.execute(f"SELECT pg_advisory_xact_lock({APPEND_LOCK})")
            await write_states(owner, {stream: state})
        written = await other.write(Write(stream, lambda _view: noted("described"), CALLER))
        assert written.state.tags(datetime.now(UTC)) == {"tier": "gold"}
        assert "free" not in await owner.fetchval("SELECT document FROM keyledger.key_state")


@pytest.mark.parametrize(
    ("ahead", "is_ours"), [(timedelta(seconds=1), False), (timedelta(seconds=-1), False), (timedelta(), True)]
)
async def test_a_batch_is_dated_neither_after_the_database_s_clock_nor_long_before(
    logs: Logs, database: Database, ahead: timedelta, is_ours: bool
) -> None:
    await (await logs.opened()).write(note("s"))
    async with database.connect() as owner:
        assert await owner.fetchval(TAKE_TURN, ahead, LEEWAY) is is_ours


async def test_crowds_of_two_processes_whose_connections_break_have_one_order(logs: Logs, database: Database) -> None:
    """Each writer adds to streams that the others write to, too, and counts what was acknowledged."""
    crowds = [await logs.opened(Limits(max_batch=40)), await logs.opened()]
    connections = [connection for log in crowds for connection in log._writer._connections]
    known: list[str] = []
    broken = 0

    async def writer(log: PostgresEventLog, number: int) -> None:
        random = Random(number)
        for turn in range(20):
            text = f"{number}-{turn}"
            try:
                await log.write(note(f"s{random.randrange(8)}", text))
                known.append(text)
            except Busy:  # the connection was ended below it
                await asyncio.sleep(0.01)

    async def breaker() -> None:
        nonlocal broken
        random = Random(1)
        async with database.connect() as owner:
            for _ in range(20):
                await asyncio.sleep(random.uniform(0, 0.1))
                driver = random.choice(connections)._driver
                if driver is not None and not driver.is_closed():
                    broken += await owner.fetchval("SELECT pg_terminate_backend($1)", driver.get_server_pid())

    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        tasks.create_task(breaker())
        for number in range(100):
            tasks.create_task(writer(crowds[number % 2], number))
    events = await read_all(crowds[0], 500)
    texts = [event.payload.decode()[16:-2] for event in events]
    assert len(texts) == len(set(texts))
    assert set(known) <= set(texts)
    assert len(known) > 1_000, "most are acknowledged"
    assert broken >= 10
    assert_whole(events, crowds[0].genesis_hash)


async def test_states_that_are_remembered_are_those_of_the_rows(logs: Logs, database: Database) -> None:
    """Random streams, more than are remembered, of two processes: each sees every version once."""
    pair = [await logs.opened(Limits(max_batch=64)), await logs.opened(Limits(max_batch=64))]
    streams = [f"s-{secrets.token_hex(4)}" for _ in range(40)]
    for log in pair:
        log._writer._known._most = 16
    await asyncio.gather(*(pair[number % 3 // 2].write(note(streams[number * 7 % 40])) for number in range(1_200)))
    async with database.connect() as owner:
        rows = await owner.fetch("SELECT stream, count(*), max(version) FROM keyledger.event GROUP BY stream")
    assert [tuple(row)[1:] for row in rows] == [(30, 30)] * 40
    assert_whole(await read_all(pair[1], 500), pair[1].genesis_hash)
