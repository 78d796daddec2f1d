"""Two bills side by side: every line of either, and differences that add up to the last digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keyledger.http.answer.encode import encode
from projections.billing.compare import pairs_of
from projections.billing.figures import Charge, Figures, Line
from projections.billing.side_by_side import difference


def figures(cost: str | None, inferences: int = 1, **charges: str) -> dict[str, Any]:
    """Inferences that cost so much."""
    counts = dict.fromkeys(("cached_input_tokens", "cached_output_tokens", "cache_read_tokens"), 0)
    return {
        **counts,
        "inferences": inferences,
        "input_tokens": 10 * inferences,
        "output_tokens": 5 * inferences,
        "cache_write_tokens": 0,
        "cost_usd": None if cost is None else Decimal(cost),
        "unpriced": 0,
        "charges": tuple(Charge(currency, Decimal(amount)) for currency, amount in charges.items()),
        "unrated": 0,
    }


def test_every_line_that_either_has_is_there_once_in_the_order_of_a_bill() -> None:
    def line(customer: str | None) -> Line:
        return Line(by={"customer_id": customer}, **figures("1"))

    base, current = [line("b"), line("c"), line(None)], [line("a"), line("c")]
    assert [(by["customer_id"], was is not None, now is not None) for by, was, now in pairs_of(base, current)] == [
        ("a", False, True),
        ("b", True, False),
        ("c", True, True),
        (None, True, False),
    ]


def test_what_a_side_lacks_counts_as_nothing_and_what_neither_knows_stays_unknown() -> None:
    def shown(base: Figures | None, current: Figures | None) -> dict[str, Any]:
        made: dict[str, Any] = encode(difference(base, current))
        return made

    priced, own = Figures(**figures("1.5", 2, EUR="3", USD="1")), Figures(**figures(None, 1, EUR="0.5"))
    gone = shown(priced, None)
    assert (gone["inferences"], gone["input_tokens"], gone["cost_usd"]) == (-2, -20, "-1.5")
    assert gone["charges"] == [{"currency": "EUR", "amount": "-3"}, {"currency": "USD", "amount": "-1"}]
    assert shown(own, None)["cost_usd"] is None
    moved = shown(priced, own)
    assert (moved["cost_usd"], moved["charges"][0]) == ("-1.5", {"currency": "EUR", "amount": "-2.5"})


amounts = st.none() | st.decimals(0, 10**12, places=9)


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=8))
def test_the_differences_of_the_lines_add_up_to_that_of_the_total(pairs: list[tuple[Decimal | None, ...]]) -> None:
    def known(side: int) -> list[Decimal]:
        return [cost for pair in pairs if (cost := pair[side]) is not None]

    def whole(costs: list[Decimal]) -> Figures:
        return Figures(**figures(str(sum(costs)) if costs else None))

    lines = [difference(*(Figures(**figures(None if one is None else str(one))) for one in pair)) for pair in pairs]
    of_total = difference(whole(known(0)), whole(known(1)))
    assert sum(line.cost_usd or 0 for line in lines) == (of_total.cost_usd or 0)
