"""Which numbers of batches are given up: that of a collector which may still begin one, and no more."""

from __future__ import annotations

from projections.usage.journal.books import OwnBooks
from projections.usage.journal.collecting import Collecting
from tests.support.bill_world import World, chat, instant, model, uuid7
from tests.support.journal_books import assert_as_fresh
from tests.support.oracle.oracle import Row

AT = instant("2026-03-01T00:00:00.000")


def used(serial: int) -> list[Row]:
    """An inference with a model row."""
    return [chat(uuid7(AT, serial), "keyAAAAAAAA1"), model(uuid7(AT, 1000 + serial), uuid7(AT, serial))]


async def test_a_batch_of_a_collector_that_does_not_know_yet_that_it_leads_no_more_never_counts(world: World) -> None:
    await world.serve(used(1))
    before = await Collecting.begun(world.journal)
    now = await Collecting.begun(world.journal)
    await world.serve(used(2), collect=False)
    await before.look()
    await now.look()
    await assert_as_fresh(world.clickhouse, world.names)
    assert len((await world.journal.pinned()).given_up) >= 2


async def test_commands_on_a_folder_of_their_own_give_up_no_number(world: World) -> None:
    """Each bill binds all that were given up, and each command on a folder begins to collect."""
    for serial in (1, 2):
        await world.serve(used(serial), collect=False)
        await OwnBooks(world.journal).catch_up()
        await OwnBooks(world.journal).catch_up()
    pinned = await world.journal.pinned()
    assert (pinned.batch, pinned.given_up) == (2, ())
    await assert_as_fresh(world.clickhouse, world.names)
