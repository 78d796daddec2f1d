"""The log in PostgreSQL keeps the contract, and keeps it when the server, the lock or the clock do not behave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import combinations, count, takewhile

import pytest

from registry.errors import Busy, ClockSteppedBack, DatabaseAway, LogBroken, OutcomeUnknown, TooManyOfOne
from registry.log.append.limits import Limits
from registry.log.append.state_rows import rows_of
from registry.log.append.writer import APPEND_LOCK
from registry.log.event_log import Caller
from registry.log.postgres import PostgresEventLog, open_log
from registry.log.sql import append
from tests.support.contracts.event_log_contract import EventLogContract
from tests.support.contracts.prices import race
from tests.support.contracts.writes import assert_whole, new_key, note, read_all, tail
from tests.support.servers.databases import Database, Server

FUTURE_EVENT = """
INSERT INTO keyledger.event
VALUES (1, 'one', 1, 'Noted', 1, clock_timestamp() + '{ahead}'::interval, date_trunc('second', clock_timestamp()),
        'operator', NULL, NULL, NULL, '{{}}', '', '', '\\x00')
"""
LOCK_HOLDER = """
SELECT pg_terminate_backend(pid)
FROM pg_locks
WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""

WIDTHS = {"key_state": 13, "credential": 3, "admin_token": 4, "price_state": 7, "kept_answer": 3}


class TestPostgresEventLog(EventLogContract):
    """The suite, on a real server."""

    @pytest.fixture
    async def log(self, postgres_log: PostgresEventLog) -> PostgresEventLog:
        """An empty log."""
        return postgres_log


@asynccontextmanager
async def limited(database: Database, limits: Limits) -> AsyncIterator[PostgresEventLog]:
    """A log with limits of its own."""
    async with database.engine() as engine:
        log = await open_log(engine, limits)
        try:
            yield log
        finally:
            await log.close()


async def test_the_log_id_stays(database: Database) -> None:
    async with limited(database, Limits()) as one, limited(database, Limits()) as other:
        assert one.log_id == other.log_id


async def test_a_database_without_a_log_is_refused(server: Server, template: Database) -> None:
    assert template
    empty = await server.copy()
    try:
        async with empty.engine() as engine:
            with pytest.raises(LogBroken, match="migrate"):
                await open_log(engine)
    finally:
        await server.drop(empty)


async def test_what_another_process_appends_wakes_a_reader(database: Database) -> None:
    async with limited(database, Limits()) as reader, limited(database, Limits()) as writer:
        waiting = asyncio.create_task(tail(reader, 3))
        for _ in range(3):
            await writer.write(note("one"))
        assert [event.position for event in await waiting] == [1, 2, 3]


async def test_two_logs_on_one_database_share_one_order(database: Database) -> None:
    async with limited(database, Limits(max_batch=3)) as one, limited(database, Limits(max_batch=5)) as two:
        await asyncio.gather(*(log.write(note("s")) for log in (one, two) * 50))
        assert len(await one.read_stream("s")) == 100
        assert_whole(await read_all(two), one.genesis_hash)


async def test_of_prices_that_tie_one_is_set_whichever_process_sets_them(database: Database) -> None:
    async with limited(database, Limits(max_batch=2)) as one, limited(database, Limits(max_batch=3)) as two:
        assert len(await race([one, two], 30)) == 1
        assert (await one.head()).position == 1


async def test_a_full_queue_is_busy_at_once_and_takes_none_of_it(database: Database) -> None:
    async with limited(database, Limits(max_queue=5)) as log:
        writes = [replace(note("one"), caller=Caller(f"token-{number}")) for number in range(9)]
        answers = await asyncio.gather(*map(log.write, writes), return_exceptions=True)
        assert [type(one) for one in answers[5:]] == [Busy] * 4
        assert (await log.head()).position == 5


async def test_one_token_has_half_of_the_queue(database: Database) -> None:
    async with limited(database, Limits(max_queue=6)) as log:
        answers = await asyncio.gather(*(log.write(note("one")) for _ in range(5)), return_exceptions=True)
        assert [type(one) for one in answers[3:]] == [TooManyOfOne] * 2
        assert (await log.head()).position == 3


async def test_a_stuck_lock_holder_makes_writers_busy_within_bounds_and_then_they_go_on(database: Database) -> None:
    loop = asyncio.get_running_loop()
    async with limited(database, Limits(lock_timeout_s=0.3)) as log, database.connect() as holder:
        await log.write(note("one"))
        await holder.execute("SELECT pg_advisory_lock($1)", APPEND_LOCK)
        began = loop.time()
        answers = await asyncio.gather(*(log.write(note("one")) for _ in range(10)), return_exceptions=True)
        assert [type(one) for one in answers] == [DatabaseAway] * 10
        assert "pg_stat_activity says who" in str(answers[0])
        assert loop.time() - began < 3
        assert (await log.head()).position == 1, "reading needs no lock"
        await holder.execute("SELECT pg_advisory_unlock($1)", APPEND_LOCK)
        assert (await log.write(note("one"))).position == 2


async def test_a_log_whose_last_event_lies_far_in_the_future_refuses_to_append(database: Database) -> None:
    async with database.connect() as owner, limited(database, Limits()) as log:
        await owner.execute(FUTURE_EVENT.format(ahead="1 minute"))
        for _ in range(3):  # also where the head and the clock are remembered
            with pytest.raises(ClockSteppedBack):
                await log.write(note("one"))
        assert (await log.head()).position == 1
        for _ in range(3):
            (stopped,) = (await log.write(replace(note("one"), stops=True))).events
            assert stopped.recorded_at - stopped.effective_at > timedelta(seconds=30), "it stops by the clock"


async def test_a_log_whose_last_event_lies_a_little_in_the_future_goes_on_from_it(database: Database) -> None:
    async with database.connect() as owner, limited(database, Limits()) as log:
        await owner.execute(FUTURE_EVENT.format(ahead="3 seconds"))
        (event,) = (await log.write(note("one"))).events
        before, after = await log.read(0, 10)
        assert after == event
        assert (after.recorded_at - before.recorded_at).total_seconds() == 1e-6


async def test_the_hash_of_a_secret_is_kept_apart_from_the_events(database: Database) -> None:
    async with limited(database, Limits()) as log, database.connect() as owner:
        await log.write(new_key("k" * 12))
        rows = await owner.fetch("SELECT credential_id, public_id, secret_hash FROM keyledger.credential")
        assert [tuple(row) for row in rows] == [("k" * 12, "k" * 12, "f" * 64)]
        events = await owner.fetchval("SELECT string_agg(event::text, '') FROM keyledger.event AS event")
        states = await owner.fetchval("SELECT string_agg(row::text, '') FROM keyledger.key_state AS row")
        assert "f" * 64 not in events + states


async def test_a_key_that_is_there_already_is_not_made_again(database: Database) -> None:
    async with limited(database, Limits()) as log, database.connect() as owner:
        answers = await asyncio.gather(
            log.write(new_key("k" * 12)), log.write(new_key("k" * 12)), return_exceptions=True
        )
        assert [isinstance(one, Exception) for one in answers] == [False, True]
        assert await owner.fetchval("SELECT count(*) FROM keyledger.credential") == 1
    assert not any(rows_of({}, {}).values())


async def test_the_server_takes_the_append_with_any_of_its_tables(database: Database) -> None:
    async with database.connect() as owner:
        for number in range(len(WIDTHS) + 1):
            for some in combinations(WIDTHS, number):
                statement = await owner.prepare(append(*some))
                assert len(statement.get_parameters()) == 21 + sum(WIDTHS[table] for table in some)


async def test_killing_the_writers_connection_loses_nothing_that_was_answered(database: Database) -> None:
    outcomes: dict[str, bool] = {}
    kills = 0

    async def writer(log: PostgresEventLog, number: int) -> None:
        for turn in takewhile(lambda turn: turn < 100 or kills < 5, count()):
            outcomes[f"{number}-{turn}"] = await answered(log, f"s{number}", f"{number}-{turn}")

    async def killer(log: PostgresEventLog) -> None:
        nonlocal kills
        async with database.connect() as owner:
            for _ in range(5):
                reached = (await log.head()).position + 20  # between two kills the log goes on
                while (await log.head()).position < reached:
                    await log.wait_beyond(reached - 1, 0.1)
                while not (killed := await owner.fetch(LOCK_HOLDER)):
                    pass
                kills += len(killed)

    async with asyncio.timeout(30), limited(database, Limits(max_batch=2)) as log:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(killer(log))
            for number in range(8):
                tasks.create_task(writer(log, number))
        events = await read_all(log, 500)
    texts = [event.payload.decode()[16:-2] for event in events]
    assert kills == 5
    assert len(texts) == len(set(texts)), "a write that was Busy was appended all the same"
    assert {text for text, sure in outcomes.items() if sure} <= set(texts) <= set(outcomes)
    assert_whole(events, log.genesis_hash)


async def answered(log: PostgresEventLog, stream: str, text: str) -> bool:
    """Append, again as long as the log is busy; whether its outcome is known."""
    while True:
        try:
            await log.write(note(stream, text))
        except OutcomeUnknown:
            return False
        except Busy:
            await asyncio.sleep(0)  # nothing was appended: the same may be sent again
            continue
        return True
