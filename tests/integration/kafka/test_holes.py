"""What is missing, doubled or unchained holds the frontier below it, and the alarm says what to do."""

from __future__ import annotations

from registry.log.chain_walk import Linked
from registry.log.event_log import RecordedEvent
from registry.publish.cloudevent import write_record
from registry.publish.producer import Publisher
from registry.publish.republish import Range, republish
from tests.support.kafka_world import Way, status, until
from tests.support.ledger.workload import fill


async def records_but(way: Way, missing: range) -> list[tuple[bytes, bytes]]:
    """The records of the log, some left out."""
    events = await way.log.read(0, 10_000)
    hashes = [way.log.genesis_hash, *(event.hash for event in events)]
    return [
        write_record(way.log.log_id, Linked(hashes[event.position - 1], event))
        for event in events
        if event.position not in missing
    ]


async def written(way: Way) -> int:
    """How many events ClickHouse has, applied or not."""
    rows = await way.clickhouse.query(f"SELECT uniqExact(position) FROM {way.names.database}.event_applied_v1")
    return int(rows[0][0])


async def test_a_hole_holds_the_frontier_and_the_alarms_command_fills_it(way: Way) -> None:
    await fill(way.log, seed=31, count=12)
    head = (await way.log.head()).position
    await way.put(*await records_but(way, range(4, 6)))
    async with way.projecting():

        async def all_but_the_hole() -> bool:
            return await written(way) == head - 2

        await until(all_but_the_hole)
        assert (await way.store.applied()).position == 3
        assert (await status(way)).alarms == ()  # not yet: it may still come
        (alarm,) = (await status(way, hole_alarm_s=0)).alarms
        assert (alarm.kind, alarm.position, alarm.fix) == ("hole", 4, "keyledger publish --since 4 --until 5")
        publisher = Publisher(way.options, way.topic)
        await publisher.start()
        await republish(way.log, Range(4, 5, head), publisher, lambda _position: None)
        await publisher.stop()
        await way.applied_all()
        assert (await status(way, hole_alarm_s=0)).alarms == ()
    await way.assert_whole()


def applied_row(event: RecordedEvent, previous_hash: str, hash_: str, log_id: str) -> tuple[object, ...]:
    """A row that says of an event that it is applied."""
    return (event.position, log_id, previous_hash, hash_, event.recorded_us)


async def test_two_claims_to_a_position_and_a_broken_chain_alarm_at_once(way: Way) -> None:
    await fill(way.log, seed=32, count=3)
    first, second, third = (await way.log.read(0, 3))[:3]
    log_id, genesis = str(way.log.log_id), way.log.genesis_hash.hex()
    await way.store.insert_applied([applied_row(first, genesis, first.hash.hex(), log_id)])
    await way.store.insert_applied([applied_row(second, bytes(32).hex(), second.hash.hex(), log_id)])
    (broken,) = (await status(way)).alarms
    await way.store.insert_applied([applied_row(second, first.hash.hex(), bytes(32).hex(), log_id)])
    (doubled,) = (await status(way)).alarms
    assert [(one.kind, one.position) for one in (broken, doubled)] == [("broken_chain", 2), ("two_claims", 2)]
    assert (await way.store.applied()).position == 1
    assert third.position == 3


async def test_a_ledger_of_another_log_is_told(way: Way) -> None:
    await fill(way.log, seed=33, count=2)
    (first,) = await way.log.read(0, 1)
    await way.store.insert_applied([applied_row(first, "", bytes(32).hex(), "another")])
    (alarm,) = (await status(way)).alarms
    assert (alarm.kind, alarm.position) == ("log_changed", 1)
