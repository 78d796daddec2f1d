"""No row of the gateway's is left out of the usage journal, and none counts twice, whatever becomes of its part."""

from __future__ import annotations

import pytest

from projections.usage.journal.collecting import Collecting, Pace
from projections.usage.journal.state import Journal
from registry.errors import Busy
from tests.support.bill_world import World, batch, chat, instant, model, uuid7
from tests.support.journal_books import assert_as_fresh, books
from tests.support.oracle.oracle import Row

AT = instant("2026-03-01T00:00:00.000")
MODELS = "ModelInference"


def used(*serials: int, key: str = "keyAAAAAAAA1") -> list[Row]:
    """Inferences, each with a model row."""
    return [
        row
        for serial in serials
        for row in (chat(uuid7(AT, serial), key), model(uuid7(AT, 1000 + serial), uuid7(AT, serial)))
    ]


async def collected(world: World) -> int:
    """How many inferences the journal counts when it has caught up; it says what a fresh one says."""
    await world.collect()
    await assert_as_fresh(world.clickhouse, world.names)
    return len(await books(world.clickhouse, world.names))


async def taken(world: World) -> int:
    """How many rows were taken."""
    ((rows,),) = await world.select("SELECT count() FROM {database}.usage_row_v1")
    return int(rows)


async def test_new_rows_in_blocks_that_were_numbered_before_are_collected(world: World) -> None:
    """A table numbers its blocks after those that it has when the engine starts: a number can come again."""
    await world.serve(used(1, 2))
    for table in ("ChatInference", MODELS):
        await world.clickhouse.command(f"TRUNCATE TABLE {world.names.gateway}.{table}")
    await world.collect()
    for table in ("ChatInference", MODELS):  # as a start does it
        await world.clickhouse.command(f"DETACH TABLE {world.names.gateway}.{table}")
        await world.clickhouse.command(f"ATTACH TABLE {world.names.gateway}.{table}")
    await world.serve(used(3))
    assert await taken(world) == 6


async def test_rows_after_an_insert_without_any_are_counted_by_the_next_collector(world: World) -> None:
    """All rows of the part were deleted, so nothing came of it but its number."""
    await world.serve(used(1))
    await world.serve(used(2), collect=False)
    for table in ("ChatInference", MODELS):
        await world.clickhouse.command(
            f"DELETE FROM {world.names.gateway}.{table} WHERE id IN ('{uuid7(AT, 2)}', '{uuid7(AT, 1002)}')"
        )
    await world.collect()
    await world.serve(used(3), collect=False)
    assert await collected(world) == 2


@pytest.mark.parametrize("masked", [False, True])
async def test_a_merge_of_rows_that_were_taken_with_new_ones_counts_each_once(world: World, masked: bool) -> None:
    await world.serve(used(1, 2))
    await world.serve(used(3, 4), collect=False)
    if masked:  # rows of the gateway's own that are deleted before they are seen are no usage
        await world.clickhouse.command(f"DELETE FROM {world.names.gateway}.{MODELS} WHERE id = '{uuid7(AT, 1004)}'")
    for table in ("ChatInference", MODELS):
        await world.clickhouse.command(f"OPTIMIZE TABLE {world.names.gateway}.{table} FINAL")
    assert await collected(world) == 4


async def test_a_mutation_and_a_table_made_again_bring_nothing_twice(world: World) -> None:
    """The new table has another UUID, so all of it is taken once more."""
    await world.serve([*used(1, 2), batch(uuid7(AT, 2))])
    table = f"{world.names.gateway}.{MODELS}"
    await world.clickhouse.command(
        f"ALTER TABLE {table} UPDATE raw_response = 'x' WHERE 1", settings={"mutations_sync": 1}
    )
    assert await collected(world) == 2
    await world.clickhouse.command(f"CREATE TABLE {table}_kept AS {table}")
    await world.clickhouse.command(f"INSERT INTO {table}_kept SELECT * FROM {table}")
    await world.clickhouse.command(f"EXCHANGE TABLES {table}_kept AND {table}")
    await world.clickhouse.command(f"DROP TABLE {table}_kept SYNC")
    await world.serve(used(3), collect=False)
    assert await collected(world) == 3


async def test_a_part_larger_than_an_insert_is_taken_in_slices_and_resumed(world: World) -> None:
    await world.serve(used(*range(1, 26)), collect=False)
    journal, pace = Journal(world.clickhouse, world.names), Pace(take_rows=10, batch_rows=7)
    steps = iter(range(3))

    def dies() -> None:
        if next(steps) == 2:
            raise Busy("killed between two slices")

    dying = await Collecting.begun(journal, pace, dies)
    with pytest.raises(Busy):
        await dying.look()
    assert 0 < await taken(world) < 50
    await (await Collecting.begun(journal, pace)).look()
    assert await journal.uncollected() == 0
    await assert_as_fresh(world.clickhouse, world.names)
    assert await taken(world) == 50
