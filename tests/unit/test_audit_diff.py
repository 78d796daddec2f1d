"""Diff of a key, and of two bills: what changed, from when, and by how much to the last digit."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from audit.history.diff import diff_key
from keyledger.http.answer.encode import encode
from projections.billing.compare import compare_figures, compare_lines
from projections.billing.figures import Figures, Line
from registry.keys.commands import EditKey, RevokeKey, edit, revoke
from registry.keys.scheduling import CancelScheduled, cancel
from registry.keys.state import fold
from tests.support.key_streams import HOUR, key, patch
from tests.support.records import MS, NOON, Stream


def diff(stream: Stream, since: int) -> dict[str, Any]:
    """What changed after a position, as answers show it."""
    shown: dict[str, Any] = encode(diff_key(stream.history, since, NOON + 10 * HOUR))
    return shown


def test_a_key_that_was_made_shows_all_that_it_has() -> None:
    found = diff(key(customer_id="acme"), 0)
    assert (found["created"], found["public_id"], found["events"]) == (True, "k3yPubl1cId0", [1])
    assert {"field": "tags.customer_id", "from": None, "to": "acme"} in found["changes"]
    assert {"field": "status", "from": None, "to": "active"} in found["changes"]
    assert found["timeline"] == [
        {"tag": "customer_id", "from": "2026-03-01T12:00:00.000Z", "until": None, "before": None, "after": "acme"}
    ]


def test_a_correction_that_leaves_the_present_alone_is_found_in_the_past() -> None:
    stream = key(customer_id="acme")
    patch(stream, 3 * HOUR, customer_id="globex")
    patch(stream, 5 * HOUR, HOUR, customer_id="initech")
    assert diff(stream, 2) == {
        "public_id": "k3yPubl1cId0",
        "created": False,
        "changes": [],
        "timeline": [
            {
                "tag": "customer_id",
                "from": "2026-03-01T13:00:00.000Z",
                "until": "2026-03-01T15:00:00.000Z",
                "before": "acme",
                "after": "initech",
            }
        ],
        "events": [3],
    }


def test_edits_that_undo_each_other_leave_their_spans_and_no_change() -> None:
    stream = key(customer_id="acme")
    patch(stream, HOUR, customer_id="globex")
    patch(stream, 2 * HOUR, customer_id=None)
    patch(stream, 3 * HOUR, customer_id="acme")
    found = diff(stream, 1)
    assert found["changes"] == []
    assert [(one["from"][11:13], one["until"][11:13], one["after"]) for one in found["timeline"]] == [
        ("13", "14", "globex"),
        ("14", "15", None),
    ]
    assert found["events"] == [2, 3, 4]


def test_an_end_and_a_new_expiration_are_changes_and_the_passing_of_time_is_none() -> None:
    stream = key(HOUR)
    stream.append(edit(EditKey(description="x"), stream.view(NOON + 2 * HOUR)), NOON + 2 * HOUR)
    assert diff(stream, 1)["changes"] == [{"field": "description", "from": "the portal", "to": "x"}]
    stream.append(edit(EditKey(expiration=NOON + 99 * HOUR), stream.view(NOON + 3 * HOUR)), NOON + 3 * HOUR)
    assert {one["field"] for one in diff(stream, 2)["changes"]} == {"expiration", "status"}
    stream.append(revoke(RevokeKey(), stream.view(NOON + 4 * HOUR)), NOON + 4 * HOUR)
    assert diff(stream, 3)["changes"] == [{"field": "status", "from": "active", "to": "revoked"}]


patches = st.dictionaries(st.sampled_from("ab"), st.none() | st.sampled_from("12"), min_size=1)


@given(st.lists(st.tuples(patches, st.none() | st.integers(0, 24)), max_size=8), st.integers(1, 9))
def test_the_spans_are_just_the_instants_at_which_the_folds_differ(
    steps: list[tuple[dict[str, str | None], int | None]], since: int
) -> None:
    stream = key(a="0")
    for number, (tags, since_ms) in enumerate(steps, start=1):
        now = 10 * MS + number * MS
        patch(stream, now, None if since_ms is None else since_ms * MS, **tags)
        for one in stream.state.pending(NOON + now)[2:]:  # two may wait
            stream.append(cancel(CancelScheduled(one.position), stream.view(NOON + now)), NOON + now)
    spans = diff_key(stream.history, since, NOON).timeline
    assert all(one.until is None or one.from_ < one.until for one in spans), "no span is empty"
    for offset in range(25):
        at = NOON + offset * MS
        before, after = (_tags(stream, at, known_at) for known_at in (since, None))
        for tag in "ab":
            covering = [one for one in spans if one.tag == tag and one.from_ <= at and not _over(one.until, at)]
            pair = before.get(tag), after.get(tag)
            assert [(one.before, one.after) for one in covering] == ([pair] if pair[0] != pair[1] else [])


def _tags(stream: Stream, at: datetime, known_at: int | None) -> dict[str, str]:
    state = fold(stream.history, at=at, known_at=known_at)
    return {} if state is None else state.tags(at)


def _over(until: datetime | None, at: datetime) -> bool:
    return until is not None and at >= until


def line(cost: str, inferences: int = 1, **by: str | None) -> Line:
    """A line of a bill."""
    return Line(by=by, **figures(cost, inferences))


def figures(cost: str, inferences: int = 1) -> dict[str, Any]:
    """Inferences that cost so much, of ten tokens in and five out each."""
    return {
        "inferences": inferences,
        "input_tokens": 10 * inferences,
        "output_tokens": 5 * inferences,
        "cached_input_tokens": 0,
        "cached_output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "cost_usd": Decimal(cost),
        "unpriced": 0,
        "charges": [],
        "unrated": 0,
    }


def test_lines_that_came_went_or_changed_differ_and_the_others_are_left_out() -> None:
    before = [line("1.5", customer_id="acme"), line("2", customer_id="same"), line("0.1", customer_id=None)]
    after = [line("1.5", 2, customer_id="acme"), line("0.3", customer_id="new"), line("2", customer_id="same")]
    assert encode(compare_lines(before, after)) == [
        {
            "by": {"customer_id": "acme"},
            "before": {**figures("1.5"), "cost_usd": "1.5"},
            "after": {**figures("1.5", 2), "cost_usd": "1.5"},
            "cost_usd": "0",
        },
        {
            "by": {"customer_id": "new"},
            "before": None,
            "after": {**figures("0.3"), "cost_usd": "0.3"},
            "cost_usd": "0.3",
        },
        {
            "by": {"customer_id": None},
            "before": {**figures("0.1"), "cost_usd": "0.1"},
            "after": None,
            "cost_usd": "-0.1",
        },
    ]


def test_money_differs_to_the_last_of_any_number_of_digits() -> None:
    great = "123456789012345678901234567890.000000001"
    found = compare_figures(Figures(**figures(great)), Figures(**figures("0.000000002")))
    assert encode(found)["cost_usd"] == "-123456789012345678901234567889.999999999"
