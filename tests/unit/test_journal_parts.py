"""Which parts of the gateway's tables hold rows that were not taken, and what is said of a long first run."""

from __future__ import annotations

from projections.usage.journal.countdown import Countdown
from projections.usage.journal.parts import Ledger, Part, Place, Range, Taken

PLACE: Place = ("ModelInference", "uuid", "all")


def part(first: int, last: int, rows: int = 10, *, age_s: int = 0) -> Part:
    """A part of these blocks."""
    return Part(PLACE, f"all_{first}_{last}_0", first, last, rows, False, age_s)


def test_blocks_after_the_last_one_are_forgotten_and_those_before_it_kept() -> None:
    """A merge of a part that is empty must not be read whole, and a number that comes again must be."""
    ledger = Ledger({PLACE: Taken((Range(1, 9, 90),))})
    there = [part(1, 3, 30), part(5, 6, 20)]
    ((place, kept),) = ledger.outdated(there)
    assert (place, kept.blocks) == (PLACE, (Range(1, 6, 50),))
    ledger.taken[place] = kept
    assert list(ledger.outdated(there)) == []
    assert not ledger.lacking([part(1, 6)])
    assert ledger.lacking([part(7, 7)])


def test_nothing_is_kept_of_a_table_without_rows_or_of_a_part_in_slices_that_went() -> None:
    ledger = Ledger({PLACE: Taken((Range(1, 2, 20),), "all_3_3_0", 5)})
    ((_, kept),) = ledger.outdated([])
    assert kept == Taken()
    assert list(ledger.outdated([part(1, 2), part(3, 3)])) == []
    ((_, kept),) = ledger.outdated([part(1, 2), part(3, 4)])
    assert kept == Taken((Range(1, 2, 20),))


def test_the_lag_is_the_age_of_the_oldest_part_that_was_not_taken() -> None:
    ledger = Ledger({PLACE: Taken((Range(1, 1, 10),))})
    assert ledger.waiting_s([part(1, 1, age_s=900), part(2, 2, age_s=7), part(3, 3, age_s=2)]) == 7
    assert ledger.waiting_s([part(1, 1, age_s=900)]) == 0


def test_a_long_first_run_says_how_far_it_is_and_how_long_it_takes() -> None:
    clock = iter([0.0, 2.0, 10.0, 12.0, 20.0, 30.0])
    countdown = Countdown(lambda: next(clock))
    said = [countdown.left(rows) for rows in (4_000_000, 3_600_000, 3_000_000, 2_900_000, 2_000_000, 0)]
    assert said == [
        None,
        None,
        "1000000 of 4000000 rows, about 30 s left",
        None,
        "2000000 of 4000000 rows, about 20 s left",
        None,
    ]


def test_a_few_rows_are_collected_without_a_word() -> None:
    clock = iter([0.0, 60.0])
    countdown = Countdown(lambda: next(clock))
    assert [countdown.left(rows) for rows in (200_000, 100_000)] == [None, None]
