"""Anchors say what the journal has: each day that changed, its whole sums, and no day that did not."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from projections.usage.journal.state import Journal
from registry.log import codec
from registry.usage.events import AnchoredDay, UsageAnchored
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import batch, chat, instant, model, uuid7

FIRST, SECOND = instant("2026-03-01T10:00:00.000"), instant("2026-03-02T00:00:00.000")


def used(at_ms: int, serial: int, **changes: Any) -> list[Any]:
    """An inference with one model row."""
    id_ = uuid7(at_ms, serial)
    return [chat(id_, "k"), model(uuid7(at_ms + 1, serial), id_, **changes)]


async def anchors(ledger: Ledger) -> list[UsageAnchored]:
    """The parts of all anchors in the log."""
    events = await ledger.api.services.registry.log.read(0, 10_000)
    return [event for one in events if isinstance(event := codec.decode(one), UsageAnchored)]


async def days(ledger: Ledger) -> list[list[AnchoredDay]]:
    """The days of each."""
    return [list(part.days) for part in await anchors(ledger)]


async def test_an_anchor_has_the_whole_sums_of_the_days_that_changed_and_of_no_other(ledger: Ledger) -> None:
    """A late row is in the sums of its day; one taken twice is counted once."""
    anchoring = ledger.anchoring()
    await ledger.serve([*used(FIRST, 1), *used(SECOND, 2), model(UUID(int=1), UUID(int=2))])
    await anchoring.anchor_now()
    await anchoring.anchor_now()
    await ledger.serve([*used(FIRST + 5, 3, cost=None, cached=True), *used(SECOND, 2), batch(uuid7(9, 9))])
    await anchoring.anchor_now()

    before, after = await days(ledger)
    assert [(day.day, day.rows, day.inferences, day.input_tokens, day.cost_usd) for day in before] == [
        (None, 1, 1, 10, "0.001000000"),
        ("2026-03-01", 2, 1, 10, "0.001000000"),
        ("2026-03-02", 2, 1, 10, "0.001000000"),
    ]
    assert [(day.day, day.rows, day.inferences, day.cached_input_tokens, day.cost_usd) for day in after] == [
        ("2026-03-01", 4, 2, 10, "0.001000000")
    ]
    assert len({day.fingerprint for day in [*before, *after]}) == 4


async def last_batch(ledger: Ledger) -> int:
    """The last batch that counts."""
    return (await Journal(ledger.world.clickhouse, ledger.world.names).pinned()).batch


async def test_an_anchor_is_due_only_when_usage_came_and_its_time_is_up(ledger: Ledger) -> None:
    """A collector that starts often anchors no more often, and no less."""
    patient, hasty = ledger.anchoring(every_s=3600.0), ledger.anchoring()
    await ledger.serve(used(FIRST, 1))
    batch = await last_batch(ledger)
    await patient(batch)
    assert await anchors(ledger) == []
    await hasty(batch)
    await hasty(batch)
    assert [part.batch for part in await anchors(ledger)] == [batch]

    await ledger.apply()
    again = ledger.anchoring()
    await again(batch)
    assert [part.batch for part in await anchors(ledger)] == [batch]
    await ledger.serve(used(SECOND, 2))
    second = await last_batch(ledger)
    await ledger.anchoring(every_s=3600.0)(second)
    await again(second)
    assert [(part.batch, [day.day for day in part.days]) for part in await anchors(ledger)] == [
        (batch, ["2026-03-01"]),
        (second, ["2026-03-02"]),
    ]


async def test_an_anchor_after_a_restart_repeats_what_the_ledger_does_not_have_yet(ledger: Ledger) -> None:
    """The ledger may be behind the log: no day may be missed for it."""
    await ledger.serve(used(FIRST, 1))
    await ledger.anchoring().anchor_now()
    await ledger.serve(used(SECOND, 2))
    await ledger.anchoring().anchor_now()
    assert [[day.day for day in some] for some in await days(ledger)] == [["2026-03-01"], ["2026-03-01", "2026-03-02"]]


async def test_a_journal_that_is_made_again_is_anchored_from_its_first_batch(ledger: Ledger) -> None:
    """Its batches are not those of the journal before, whatever their numbers."""
    anchoring = ledger.anchoring()
    for serial in (1, 2):
        await ledger.serve(used(FIRST, serial))
    before = await last_batch(ledger)
    await anchoring.anchor_now()
    await ledger.world.lose_journal()
    await ledger.world.collect()
    batch = await last_batch(ledger)
    assert batch < before
    await anchoring(batch)
    first, second = await anchors(ledger)
    assert (first.batch, second.batch) == (before, batch)
    assert first.journal != second.journal
    assert first.days == second.days
