"""What the gateway counted between two looks, from the text of its metrics."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.tensorzero.counters import Totals, grown, inferences_of

METRICS = """\
# HELP tensorzero_requests_total Requests handled by TensorZero
# TYPE tensorzero_requests_total counter
tensorzero_requests_total{endpoint="inference",function_name="f"} 90
# TYPE tensorzero_inferences_total counter
tensorzero_inferences_total{endpoint="inference",function_name="f",model_name="m"} 40
tensorzero_inferences_total{endpoint="inference",function_name="g"} 2
tensorzero_inferences_total{endpoint="batch_inference",function_name="f"} 1000
"""
TOTALS = st.dictionaries(st.tuples(st.sampled_from("ab"), st.sampled_from("fgh")), st.integers(0, 50))


def test_inferences_are_counted_by_series_and_those_of_batches_not_at_all() -> None:
    found = inferences_of(METRICS)
    assert sorted(count for _, count in found) == [2, 40]
    assert len({series for series, _ in found}) == 2


def test_a_gateway_that_has_served_nothing_yet_counts_nothing() -> None:
    assert inferences_of("# TYPE tensorzero_requests_total counter\n") == []


@pytest.mark.parametrize("text", ["<!doctype html><p>x", 'tensorzero_inferences_total{endpoint="inference"} many'])
def test_what_is_no_metrics_is_no_count(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the parser's own words
        inferences_of(text)


@given(TOTALS, TOTALS)
def test_no_restart_makes_the_growth_negative_or_more_than_what_is_counted_now(before: Totals, now: Totals) -> None:
    assert 0 <= grown(before, now) <= sum(now.values())
    assert grown(now, now) == 0
    assert grown({}, now) == sum(now.values())


def test_each_series_is_compared_with_itself() -> None:
    before: Totals = {("a", "f"): 10, ("a", "g"): 7, ("b", "f"): 5}
    assert grown(before, {("a", "f"): 12, ("a", "g"): 7, ("b", "f"): 1, ("b", "g"): 3}) == 2 + 0 + 1 + 3
