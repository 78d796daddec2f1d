"""What may happen to a price book, and stories in which keys, prices and anchors share one log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations
from typing import Any

from hypothesis import strategies as st

from tests.support.oracle.arrivals import Anchor, Arrival, cut
from tests.support.oracle.prices import ANY, PriceFact, prices_at, specificity
from tests.support.oracle.stories import BASE, Story, ledgers, usages

TOKENS = ("input", "output", "cache_read", "cache_write", "cached_input", "cached_output")
SELECTORS: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from([ANY, ANY, ANY, "gpt", "claude"]),
    "provider": st.sampled_from([None, None, None, None, "gpt", "claude"]),
    "tags": st.sampled_from([{}, {}, {}, {}, *({"customer_id": name} for name in ("acme", "beta")), {"env": "ü b"},
                             {"customer_id": "acme", "env": "acme"}]),
}  # fmt: skip
amounts = st.sampled_from(
    ["0", "0.000000000000000001", "0.3", "1", "2.5", "10", "999999999999.999999999999999999"]
).map(Decimal)
# Usage is from -2 to 22: a third of the events hold for all of it.
instants = st.sampled_from([*[-5] * 15, *range(-5, 27)]).map(lambda offset: BASE + offset)


@dataclass(frozen=True)
class PricedStory(Story):
    """A story with prices, rows that arrived in batches, and anchors: all positions are of one log.

    `rows` are those that are there in the end.
    """

    prices: list[PriceFact]
    arrivals: list[Arrival]
    anchors: list[Anchor]


@st.composite
def price_books(draw: st.DrawFn) -> list[PriceFact]:
    """Up to nine events of prices, backdated and future ones too, of which no two ever tie; position by position.

    Three books in four begin with a price of all usage: by chance alone, most rows would find none.
    """
    general = PriceFact(1, BASE - 5, "general")
    book = [draw(_amounts(general))] if draw(st.sampled_from([True, True, True, False])) else []
    for _ in range(draw(st.integers(0, 8))):
        fact = draw(_events(book, len(book) + 1))
        if not ever_tie([*book, fact]):  # as the registry would refuse it
            book.append(fact)
    return book


def ever_tie(book: Sequence[PriceFact]) -> bool:
    """Whether some row could be rated by two prices at once, as known after the last event.

    A row can fit both where they name the same and ask for no tag with two values.
    """
    in_effect = [prices_at(book, at_ms) for at_ms in {fact.effective_ms for fact in book}]
    return any(_could_tie(one, other) for prices in in_effect for one, other in combinations(prices, 2))


@st.composite
def priced_stories(draw: st.DrawFn) -> PricedStory:
    """Keys, prices and anchors in any order in one log, the last events perhaps not applied; rows cut into batches."""
    facts, book, rows = draw(ledgers()), draw(price_books()), draw(usages())
    keys = facts[-1].position
    arrivals = cut(rows, draw(st.randoms()), gone=draw(st.sampled_from([0.0, 0.2])))
    batches = sorted(draw(st.lists(st.integers(1, 6), max_size=2)))
    order = draw(st.permutations([*["key"] * keys, *["price"] * len(book), *["anchor"] * len(batches)]))
    at = {kind: [i for i, one in enumerate(order, 1) if one == kind] for kind in ("key", "price", "anchor")}
    return PricedStory(
        facts=[replace(fact, position=at["key"][fact.position - 1]) for fact in facts],
        applied=draw(st.integers(max(0, len(order) - 2), len(order))),
        rows=rows,
        prices=[replace(fact, position=at["price"][fact.position - 1]) for fact in book],
        arrivals=arrivals,
        anchors=[Anchor(position, batch) for position, batch in zip(at["anchor"], batches, strict=True)],
    )


@st.composite
def _events(draw: st.DrawFn, book: Sequence[PriceFact], position: int) -> PriceFact:
    """A price that is new, set again or ended."""
    of_id = {fact.price_id: fact for fact in book}
    price_id = draw(st.sampled_from([*of_id, *[f"price-{len(of_id)}"] * 2]))
    before = of_id.get(price_id)
    if before is None:
        fact = PriceFact(position, draw(instants), price_id, **{name: draw(one) for name, one in SELECTORS.items()})
    else:
        fact = PriceFact(position, draw(instants), price_id, model=before.model, provider=before.provider,
                         tags=before.tags, currency=before.currency)  # fmt: skip
        if draw(st.integers(0, 2)) == 0:
            return replace(fact, kind="ended")
    return draw(_amounts(fact))


@st.composite
def _amounts(draw: st.DrawFn, fact: PriceFact) -> PriceFact:
    """A price with amounts: one in five multiplies the cost."""
    if draw(st.sampled_from([False, False, False, False, True])):
        return replace(fact, currency="USD", cost_multiplier=draw(amounts))
    named = draw(st.lists(st.sampled_from([*TOKENS, "per_inference"]), min_size=1, unique=True))
    currency = draw(st.sampled_from(["USD", "EUR", "JPY"]))
    charged: dict[str, Any] = {name: draw(amounts) for name in named}
    return replace(fact, currency=currency, **charged)


def _could_tie(one: PriceFact, other: PriceFact) -> bool:
    apart = any(other.tags.get(name, value) != value for name, value in one.tags.items())
    return (
        specificity(one) == specificity(other)
        and (one.model, one.provider) == (other.model, other.provider)
        and not apart
    )
