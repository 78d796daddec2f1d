"""The budgets of the rings fit the target, and what is over one is said."""

from __future__ import annotations

from tests.support.rings import BUDGETS_S, CORES, TARGET_S, line_of, ring_of


def test_the_budgets_together_are_the_target_on_every_core() -> None:
    assert sum(BUDGETS_S.values()) == TARGET_S * CORES


def test_a_ring_over_its_budget_is_marked() -> None:
    budget = BUDGETS_S["unit"]
    assert line_of("unit", 3, budget) == f"unit             3 tests {budget:7.1f} s of {budget} s"
    assert line_of("unit", 3, budget + 1).endswith("OVER BUDGET")
    assert line_of("long", 1, 1000) == "long             1 tests  1000.0 s"


def test_a_test_belongs_to_its_folder() -> None:
    assert ring_of("tests/integration/audit/test_diff.py::test_it[own]@group") == "integration"
