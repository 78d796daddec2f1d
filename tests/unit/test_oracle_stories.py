"""Random histories hold what they are for, and whatever they hold, the oracle's figures add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bill_world import batch, chat, instant, model, uuid7
from tests.support.oracle.arrivals import Anchor, Arrival, cut, rows_known
from tests.support.oracle.oracle import oracle_bill
from tests.support.oracle.price_stories import PricedStory, ever_tie, priced_stories
from tests.support.oracle.prices import EXACT, PriceFact
from tests.support.oracle.rows import CACHE_READ, CACHE_WRITE, Row, Usage
from tests.support.oracle.stories import BASE

NOON = instant("2026-03-01T12:00:00")
EVER: dict[str, Any] = {"since_ms": 0, "until_ms": 2**62}
ROW, MODEL, BATCH = chat(uuid7(NOON), "key"), model(uuid7(NOON, 1), uuid7(NOON)), batch(uuid7(NOON))


def bill_of(story: PricedStory, rows: list[Row], group_by: tuple[str, ...] = ("customer_id", "model")) -> Any:
    return oracle_bill(story.facts, rows, prices=story.prices, group_by=group_by, known_at=story.applied, **EVER)


def test_rows_are_known_once_the_log_anchored_their_batch() -> None:
    """Batch 1 brings the model row, 2 the inference; 3 takes the model row out, 4 brings the batch membership."""
    arrivals = [Arrival(4, BATCH), Arrival(1, MODEL), Arrival(2, ROW), Arrival(3, MODEL, gone=True)]
    anchors = [Anchor(5, 1), Anchor(9, 3)]
    assert rows_known(arrivals, anchors, None) == [ROW, BATCH]
    assert [rows_known(arrivals, anchors, at) for at in (4, 5, 8, 9)] == [[], [MODEL], [MODEL], [ROW]]
    assert rows_known(arrivals, [], 99) == []


def test_a_row_that_came_twice_and_is_taken_out_once_is_still_there() -> None:
    arrivals = [Arrival(1, ROW), Arrival(1, dict(ROW)), Arrival(2, ROW, gone=True)]
    assert rows_known(arrivals, [], None) == [ROW]


@settings(max_examples=25)
@given(story=priced_stories(), chance=st.randoms())
def test_any_cut_ends_in_the_same_bill(story: PricedStory, chance: Random) -> None:
    right = bill_of(story, story.rows)
    assert bill_of(story, rows_known(story.arrivals, story.anchors, None)) == right
    arrivals = cut(story.rows, chance, batches=3, again=0.5, gone=0.5)
    assert bill_of(story, rows_known(arrivals, (), None)) == right
    assert bill_of(story, rows_known(arrivals, [Anchor(1, 3)], 1)) == right


@settings(max_examples=25)
@given(story=priced_stories())
def test_charges_add_up_from_lines_to_total_and_coverage_to_all_rows(story: PricedStory) -> None:
    bill, by_nothing = bill_of(story, story.rows), bill_of(story, story.rows, ())
    assert _money(bill["lines"]) == _money([bill["total"]])
    assert _money(bill["late_lines"]) == _money([_bucket(bill, "outside_key_life")])
    assert [bill["total"], bill["coverage"]] == [by_nothing["total"], by_nothing["coverage"]]
    usage = Usage(story.rows, EVER["since_ms"], EVER["until_ms"])
    rows = [row for number in usage.ids for row in usage.models(number)]
    unrated, rated = (bill_of(replace(story, prices=book), story.rows) for book in ([], [PriceFact(0, 0, "any")]))
    assert _money(unrated["coverage"]) == ({}, len(rows))
    assert _money(rated["coverage"])[1] == _bucket(bill, "bad_id")["unrated"]


def _bucket(bill: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in bill["coverage"] if one["bucket"] == name]
    return dict(found)


def _money(lines: list[dict[str, Any]]) -> tuple[dict[str, Decimal], int]:
    """Sums of charges by currency, and of unrated rows."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        for charge in line["charges"]:
            before = sums.get(charge["currency"], Decimal(0))
            sums[charge["currency"]] = EXACT.add(before, Decimal(charge["amount"]))
    return sums, sum(line["unrated"] for line in lines)


@pytest.mark.long
def test_random_histories_hold_every_kind_that_they_are_for() -> None:
    """A kind that no history has is a rule that no comparison checks."""
    seen: Counter[str] = Counter()

    @settings(max_examples=300, derandomize=True, database=None)
    @given(story=priced_stories())
    def look(story: PricedStory) -> None:
        seen.update({kind for kind, there in kinds(story).items() if there})

    look()
    assert {kind for kind in kinds(EMPTY) if not seen[kind]} == set()


EMPTY = PricedStory(facts=[], applied=0, rows=[], prices=[], arrivals=[], anchors=[])


def kinds(story: PricedStory) -> dict[str, bool]:
    """Which kinds a history has."""
    return _kinds_of_prices(story) | _kinds_of_rows(story) | _kinds_of_arrivals(story)


def _kinds_of_prices(story: PricedStory) -> dict[str, bool]:
    assert not any(ever_tie(story.prices[:known]) for known in range(len(story.prices) + 1))
    sets = [one for one in story.prices if one.kind == "set"]
    ordered = [one.effective_ms for one in sorted(story.prices, key=lambda one: one.position)]
    buckets = bill_of(story, story.rows)["coverage"]
    charges = [charge for bucket in buckets for charge in bucket["charges"]]
    return {
        **{name: any(getattr(one, name) is not None for one in sets) for name in MONEY},
        "by model": any(one.model != "*" for one in sets),
        "by provider": any(one.provider is not None for one in sets),
        "by one tag": any(len(one.tags) == 1 for one in sets),
        "by two tags": any(len(one.tags) == 2 for one in sets),
        "set again": len(sets) > len({one.price_id for one in sets}),
        "ended": len(sets) < len(story.prices),
        "backdated": any(later < earlier for earlier, later in pairwise(ordered)),
        "future": any(one.effective_ms > BASE + 22 for one in sets),
        "not applied": any(one.position > story.applied for one in story.prices),
        "two currencies": len({one["currency"] for one in charges}) > 1,
        "charged nothing": any(one["amount"] == "0" for one in charges),
        "rated in part": any(bucket["charges"] and bucket["unrated"] for bucket in buckets),
        "negative": any(one["amount"].startswith("-") for one in charges),
        **{f"charged {one['bucket']}": bool(one["charges"]) for one in buckets if one["bucket"] != "bad_id"},
    }


MONEY = (
    "input", "output", "cache_read", "cache_write", "cached_input", "cached_output", "per_inference", "cost_multiplier",
)  # fmt: skip


def _kinds_of_rows(story: PricedStory) -> dict[str, bool]:
    models = [row for row in story.rows if row["table"] == "ModelInference"]
    inferences = [row for row in story.rows if row["table"] in ("ChatInference", "JsonInference")]
    of_id: dict[Any, list[Row]] = {}
    for row in models:
        of_id.setdefault(row["id"], []).append(row)
    named = {(row["inference_id"], row["model_name"]) for row in models}
    return {
        "no caches": any(row[CACHE_READ] is None for row in models),
        "more caches than input": any((row[CACHE_WRITE] or 0) > (row["input_tokens"] or 0) for row in models),
        "cached": any(row["cached"] for row in models),
        "several models": len(named) > len({id_ for id_, _ in named}),
        "ids with several inferences": any(len({row["inference_id"] for row in same}) > 1 for same in of_id.values()),
        "ids that differ": any(any(row != same[0] for row in same) for same in of_id.values()),
        "inferences that differ": any(a != b for a in inferences for b in inferences if a["id"] == b["id"]),
        "duplicates": any(story.rows.count(row) > 1 for row in story.rows),
        "orphans": bool({row["inference_id"] for row in models} - {row["id"] for row in inferences}),
        "ids without a time": any(row["id"].version != 7 for row in inferences),
    }


def _kinds_of_arrivals(story: PricedStory) -> dict[str, bool]:
    first: dict[str, dict[Any, int]] = {"ModelInference": {}, "BatchIdByInferenceId": {}, "inference": {}}
    for one in story.arrivals:
        table = one.row["table"] if one.row["table"] in first else "inference"
        first[table].setdefault(one.row["id" if table == "inference" else "inference_id"], one.batch)
    models, batches, inferences = first.values()
    came = Counter((one.batch, str(one.row)) for one in story.arrivals if not one.gone)
    return {
        "late inferences": any(at > models.get(id_, at) for id_, at in inferences.items()),
        "late model rows": any(at < models.get(id_, at) for id_, at in inferences.items()),
        "late batches": any(at > inferences[id_] for id_, at in batches.items()),
        "duplicates in other batches": len({row for _, row in came}) < len(came),
        "taken out": any(one.gone for one in story.arrivals),
        "anchored in part": any(
            0 < len(rows_known(story.arrivals, [one], one.position)) < len(story.rows) for one in story.anchors
        ),
    }
