"""Whatever a stranger writes to the topic: never applied, named in the status, and one command later it goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from _pytest.mark.structures import ParameterSet

from keyledger.runtime.watching.follower_status import Redelivered
from projections.errors import ProjectionError
from projections.ledger.dead_letters import DeadLetter, dead_letter_topic
from registry.errors import UndecodableEvent
from registry.log.chain_walk import Linked
from registry.log.event_log import EventLog
from registry.publish.cloudevent import write_record
from registry.queries import Queries
from tests.support import forgery
from tests.support.contracts.writes import later_version
from tests.support.kafka_world import Way, running, status, until
from tests.support.ledger.workload import fill

Make = Callable[[EventLog], Awaitable[forgery.KeyValue]]


async def open_letters(way: Way, count: int) -> list[DeadLetter]:
    """The open ones, once there are so many."""

    async def reached() -> bool:
        return await way.letters.count_open() >= count

    await until(reached)
    return await way.letters.find("open")


async def waive_all(way: Way) -> None:
    """The operator's one command."""
    await way.letters.decide(await way.letters.find("open", limit=100_000), "waived", "a test")


async def literally(key: bytes | None, value: bytes | None) -> forgery.KeyValue:
    """These bytes."""
    return key, value


GARBAGE: dict[str, Make] = {
    "bytes": lambda _log: literally(b"key-x", b"\xff\x00garbage"),
    "nothing": lambda _log: literally(b"key-x", None),
    "no key": lambda _log: literally(None, b"{}"),
    "JSON": lambda _log: literally(b"key-x", b'{"specversion": "1.0"}'),
    "deep JSON": lambda _log: literally(b"key-x", b"[" * 400_000),
    "a record of almost a megabyte": lambda _log: literally(b"key-x", b"x" * 1_000_000),
    "another source": lambda log: forgery.altered(log, lambda value: value.replace(b"/keyledger/", b"/elsewhere/")),
    "another specversion": lambda log: forgery.altered(log, lambda value: value.replace(b'"1.0"', b'"0.3"')),
    "a log without id": lambda log: forgery.altered(log, lambda value: value.replace(b"/keyledger/", b"/keyledger/x")),
    "a lone surrogate": lambda log: forgery.altered(log, lambda value: value.replace(b'"operator"', b'"\\ud800"')),
}
HOLDING: dict[str, Make] = {
    "the next position": lambda log: forgery.forged_next(log, "key-AAAAAAAAAAAA"),
    "an old position": forgery.forged_old,
    "an unknown type": forgery.unknown_type,
    "another log": forgery.of_another_log,
    "another id": lambda log: forgery.altered(log, lambda value: value.replace(b'"id":"1"', b'"id":"2"')),
    "another actor": lambda log: forgery.altered(log, lambda value: value.replace(b'"operator"', b'"mallory"')),
    "a time without zone": lambda log: forgery.altered(
        log, lambda value: value.replace(b'Z","sequence', b'","sequence')
    ),
}
# Each kind of reading that fails, and each kind of claim; the others take the same way.
IN_MAKE_TEST = {
    "bytes",
    "another source",
    "the next position",
    "another log",
}


def cases(made: dict[str, Make]) -> list[ParameterSet]:
    """The records as parameters, some of them in the long run alone."""
    return [
        pytest.param(make, id=name, marks=[] if name in IN_MAKE_TEST else pytest.mark.long)
        for name, make in made.items()
    ]


@pytest.mark.parametrize("make", cases(GARBAGE))
async def test_what_claims_no_log_is_put_aside_and_holds_nothing(way: Way, make: Make) -> None:
    await fill(way.log, seed=1, count=5)
    await way.put(await make(way.log))
    async with way.publishing(), way.projecting():
        (letter,) = await open_letters(way, 1)
        await way.applied_all()
        (alarm,) = (await status(way)).alarms
        assert (letter.kind, letter.holds, alarm.kind) == ("not_an_event", False, "dead_letter")
        assert letter.id in alarm.detail
        await waive_all(way)
        assert (await status(way)).alarms == ()
    await way.assert_whole()


@pytest.mark.parametrize("make", cases(HOLDING))
async def test_what_claims_a_log_and_is_not_of_ours_holds_the_frontier_until_an_operator_decides(
    way: Way, make: Make
) -> None:
    await fill(way.log, seed=2, count=5)
    async with way.publishing(), way.projecting():
        await way.applied_all()
        held = (await way.store.applied()).position
        await way.put(await make(way.log))
        (letter,) = await open_letters(way, 1)
        assert (letter.holds, letter.held_position) == (True, held)
        await fill(way.log, seed=3, count=5)
        await until(lambda: published(way))
        await until(lambda: received(way))
        assert (await way.store.applied()).position == held
        (alarm,) = (await status(way)).alarms
        assert (alarm.kind, letter.id in alarm.detail, str(held) in alarm.detail) == ("dead_letter", True, True)
        await waive_all(way)
        await way.applied_all()
        assert (await status(way)).alarms == ()
    await way.assert_whole()
    rows = await way.clickhouse.query(
        f"SELECT count() FROM {way.names.database}.key_tag_change_v1 WHERE value = 'mallory'"
    )
    assert rows == [(0,)]


async def published(way: Way) -> bool:
    """Whether the relay has done everything."""
    head = await way.log.head()
    return [one.published.position for one in await Queries(way.engine).published()] == [head.position]


async def received(way: Way) -> bool:
    """Whether the head is written in ClickHouse, applied or not."""
    rows = await way.clickhouse.query(f"SELECT max(position) FROM {way.names.database}.event_applied_v1")
    return bool(rows[0][0] >= (await way.log.head()).position)


async def test_a_true_event_that_comes_again_is_counted_and_changes_nothing(way: Way) -> None:
    await fill(way.log, seed=4, count=5)
    async with way.publishing(), way.projecting():
        await way.applied_all()
        first, second = await way.log.read(0, 2)
        await way.put(write_record(way.log.log_id, Linked(first.hash, second)))

        async def counted() -> bool:
            seen = (await status(way)).redelivered
            return seen is not None and seen.count == 1

        await until(counted)
        seen = await status(way)
        assert (seen.alarms, seen.redelivered) == ((), Redelivered(1, 2))
    await way.assert_whole()


async def test_too_many_open_letters_stop_the_consumer_until_they_are_decided(way: Way) -> None:
    way.dead_letters_max = 3
    await fill(way.log, seed=5, count=2)
    async with way.publishing(), way.projecting():
        await way.applied_all()
        applied = (await way.store.applied()).position
        await way.put(*[(b"key-x", f"garbage {number}".encode()) for number in range(5)])
        # Four or five: the last record may come after the others, when nothing is consumed any more.
        await open_letters(way, 4)
        await fill(way.log, seed=6, count=2)
        await until(lambda: published(way))
        seen = await status(way)
        count = seen.dead_letters_open
        assert count in {4, 5}
        assert [alarm.kind for alarm in seen.alarms] == ["feed_stopped", *["dead_letter"] * count]
        assert (await way.store.applied()).position == applied
        await waive_all(way)
        await way.applied_all()
    await way.assert_whole()


async def test_the_record_is_kept_word_for_word_and_can_be_sent_again(way: Way) -> None:
    key, value = b"key-x", b"\xff\x00garbage"
    await way.put((key, value))
    async with way.publishing(), way.projecting():
        (letter,) = await open_letters(way, 1)
        (kept,) = await way.records(dead_letter_topic(way.topic))
        assert (kept.key, kept.value) == (key, value)
        assert dict(kept.headers)["keyledger-dead-letter"] == letter.id.encode()
        feed = way.feed()
        sent = await feed._letter_topic.replay({letter.id}, way.topic)
        await feed.close()
        await way.letters.decide([letter], "replayed", "a test")
        (again,) = await open_letters(way, 1)
        assert (sent, again.id == letter.id, again.kind) == ({letter.id}, False, "not_an_event")
    assert [(record.key, record.value) for record in await way.records()] == [(key, value)] * 2


async def test_a_letter_that_was_waived_stays_waived_when_its_record_is_read_again(way: Way) -> None:
    await fill(way.log, seed=7, count=2)
    await way.put(await forgery.of_another_log(way.log))
    async with way.publishing(), way.projecting():
        (letter,) = await open_letters(way, 1)
        await waive_all(way)
    other = way.feed(group=f"{way.topic}.again")
    await other.start(await way.store.applied())
    while len(await way.records(dead_letter_topic(way.topic))) < 2:
        await other.poll(0.2)
        await other.commit()
    await other.close()
    assert [one.status for one in await way.letters.find(ids=[letter.id])] == ["waived"]


async def test_an_event_of_ours_that_does_not_decode_stops_the_projector_and_is_named_elsewhere(way: Way) -> None:
    with later_version() as unknown:
        await way.log.write(unknown)
    projector = way.projector()
    async with way.publishing(), running(projector.run()) as (task,):
        with pytest.raises(UndecodableEvent, match="position 1"):
            await task
    (alarm,) = (await status(way)).alarms
    assert (alarm.kind, alarm.position) == ("projector_stopped", 1)
    assert "position 1" in alarm.detail
    assert isinstance(projector.failure, UndecodableEvent)
    assert not isinstance(projector.failure, ProjectionError)
