"""Prices: what may be set, from when, which two can tie, and what of it counts at an instant."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from registry.errors import Conflict, FieldsRefused, Forbidden, UnknownPrice
from registry.instant import to_ms
from registry.log.event_log import NewEvent, StreamView
from registry.log.stream_state import dump, fold, load
from registry.prices.commands import MAX_VERSIONS, When, end_price, set_price
from registry.prices.place import hold_together
from registry.prices.state import PriceState
from registry.prices.terms import NewPrice, Terms, price_faults
from tests.support.records import NOON, Stream

HOUR = timedelta(hours=1)
TOKENS = Terms("EUR", {"input": "0.15", "output": "0.60"}, None, None)
DEARER = Terms("EUR", {"input": "0.30"}, "0.001", None)
GOLD = NewPrice("gold", "llama", None, {"billing_tier": "gold"}, TOKENS)


def when(hours: float | None, *, reason: str = "contract", may_backdate: bool = True) -> When:
    """So many hours after noon, by a caller who may backdate."""
    at = None if hours is None else NOON + hours * HOUR
    return When(at, reason, may_backdate)


class Book:
    """A price book without a log: each price has a stream, and a decision sees the prices at its place."""

    def __init__(self) -> None:
        self.streams: dict[str, Stream] = {}

    def set(self, price: NewPrice, hours: float | None = None, now: float = 0) -> list[NewEvent]:
        """Set a price; returns what was recorded."""
        return self._decide(price, lambda view: set_price(price, when(hours), view), now)

    def end(self, price: NewPrice, hours: float | None = None, now: float = 0) -> list[NewEvent]:
        """End a price; returns what was recorded."""
        return self._decide(price, lambda view: end_price(when(hours), view), now)

    def state(self, price: NewPrice) -> PriceState:
        """The price as it is."""
        state = self.streams[price.price_id].state
        assert isinstance(state, PriceState)
        return state

    def _decide(self, price: NewPrice, decide: Any, now: float) -> list[NewEvent]:
        stream = self.streams.setdefault(price.price_id, Stream(f"price-{price.price_id}"))
        states = [one.state for one in self.streams.values() if isinstance(one.state, PriceState)]
        place = (price.model, price.provider, len(price.tags))
        view = stream.view(NOON + now * HOUR)
        decided = decide(
            StreamView(view.now, view.version, view.state, (), tuple(s for s in states if s.place == place))
        )
        stream.append(decided, view.now)
        return list(decided)


def at(hours: float) -> int:
    """The millisecond so many hours after noon."""
    return to_ms(NOON + hours * HOUR)


BAD: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({"price_id": ""}, {}, "price_id"),
    ({"price_id": "a/b"}, {}, "price_id"),
    ({"price_id": "-a"}, {}, "price_id"),
    ({"price_id": "a" * 129}, {}, "price_id"),
    ({"model": ""}, {}, "model"),
    ({"model": " a"}, {}, "model"),
    ({"model": "ä" * 129}, {}, "model"),
    ({"model": "e\u0301"}, {}, "model"),
    ({"provider": ""}, {}, "provider"),
    ({"provider": "a\nb"}, {}, "provider"),
    ({"tags": {"model": "x"}}, {}, "tags.model"),
    ({"tags": {"a": ""}}, {}, "tags.a"),
    ({"tags": {f"t{n}": "x" for n in range(65)}}, {}, "tags"),
    ({}, {"currency": "eur"}, "currency"),
    ({}, {"currency": "EURO"}, "currency"),
    ({}, {"per_million": {}}, "per_million"),
    ({}, {"per_million": {"thinking": "1"}}, "per_million.thinking"),
    *(
        ({}, {"per_million": {"input": text}}, "per_million.input")
        for text in ("-1", "1E-9", "1e3", "01", ".5", "1.", "1_0", "٣", "NaN", "1000000000000", "0." + "1" * 19, "")
    ),
    ({}, {"per_inference": "-0"}, "per_inference"),
    ({}, {"cost_multiplier": "1.2", "currency": "USD"}, "cost_multiplier"),
    ({}, {"per_million": {}, "per_inference": "1", "cost_multiplier": "1.2", "currency": "USD"}, "cost_multiplier"),
    ({}, {"per_million": {}, "cost_multiplier": "1.2"}, "currency"),
]


@pytest.mark.parametrize(("selector", "terms", "field"), BAD)
def test_what_no_price_can_be_is_named_by_field(selector: dict[str, Any], terms: dict[str, Any], field: str) -> None:
    bad = replace(GOLD, **selector, terms=replace(TOKENS, **terms))
    assert [fault.field for fault in price_faults(bad)] == [field]


@pytest.mark.parametrize(
    "terms",
    [
        Terms("EUR", {"input": "0"}, None, None),
        Terms("EUR", {"input": "999999999999.999999999999999999"}, "0.1", None),
        Terms("JPY", {}, "3", None),
        Terms("USD", {}, None, "1.2"),
        Terms("USD", {"cache_read": "0.1", "cache_write": "1", "cached_input": "0", "cached_output": "0"}, None, None),
    ],
)
def test_any_one_amount_is_enough(terms: Terms) -> None:
    assert price_faults(replace(GOLD, terms=terms)) == []


def test_terms_count_from_their_instant_until_the_next_of_the_same_price() -> None:
    book = Book()
    book.set(GOLD)
    book.set(replace(GOLD, terms=DEARER), 24)  # later
    book.set(replace(GOLD, terms=DEARER), -24)  # backdated
    state = book.state(GOLD)
    found = [(change.terms if (change := state.at(at(hours))) else None) for hours in (-25, -24, -1, 0, 23, 24)]
    assert found == [None, DEARER, DEARER, TOKENS, TOKENS, DEARER]
    assert [state.status(at(hours)) for hours in (-25, 0)] == ["scheduled", "active"]
    known = state.known(2)
    assert known is not None
    assert known.at(at(-1)) is None
    assert known.at(at(24)) == state.at(at(24))
    assert state.known(0) is None


def test_of_two_changes_at_one_instant_the_later_one_counts() -> None:
    book = Book()
    book.set(GOLD, 5)
    book.set(replace(GOLD, terms=DEARER), 5)
    assert (change := book.state(GOLD).at(at(5))) is not None
    assert change.terms == DEARER


def test_a_repeat_is_no_event_also_where_an_amount_is_written_otherwise() -> None:
    book = Book()
    assert len(book.set(GOLD)) == 1
    written_otherwise = replace(GOLD, terms=replace(TOKENS, per_million={"input": "0.150", "output": "0.6"}))
    for hours in (None, 3, 0):
        assert book.set(written_otherwise, hours, now=1 if hours is None else 0) == []
    assert len(book.set(written_otherwise, -1)) == 1, "before, it had no terms"


@pytest.mark.parametrize(
    "change", [{"model": "*"}, {"provider": "vllm"}, {"tags": {}}, {"tags": {"billing_tier": "x"}}]
)
def test_a_price_keeps_what_it_rates_for_life(change: dict[str, Any]) -> None:
    book = Book()
    book.set(GOLD)
    book.end(GOLD, now=1)
    with pytest.raises(Conflict, match="for life"):
        book.set(replace(GOLD, **change), now=2)


def test_the_past_needs_scope_and_reason_and_the_future_ends_after_a_year() -> None:
    stream = Stream("price-gold")
    view = stream.view(NOON)
    with pytest.raises(Forbidden, match="prices:backdate"):
        set_price(GOLD, when(-1, may_backdate=False), view)
    with pytest.raises(FieldsRefused, match="reason is required"):
        set_price(GOLD, when(-1, reason=" "), view)
    with pytest.raises(FieldsRefused, match="effective_at must be at most 366 days"):
        set_price(GOLD, when(366 * 24 + 0.001), view)
    for hours in (-1, 0, 366 * 24):
        assert [new.effective_at for new in set_price(GOLD, when(hours), view)] == [NOON + hours * HOUR]


def test_an_end_takes_what_is_scheduled_after_it_along() -> None:
    book = Book()
    book.set(GOLD)
    book.set(replace(GOLD, terms=DEARER), 24)
    book.set(GOLD, 48)
    assert len(book.end(GOLD, now=1)) == 3
    state = book.state(GOLD)
    assert [state.status(at(hours)) for hours in (0.5, 1, 24, 48, 1000)] == ["active", *["ended"] * 4]
    assert book.end(GOLD, now=2) == []
    book.set(replace(GOLD, terms=DEARER), now=3)
    assert book.state(GOLD).status(at(3)) == "active"


def test_an_end_of_the_past_leaves_nothing_after_it() -> None:
    book = Book()
    book.set(GOLD)
    book.end(GOLD, -1, now=1)
    assert {book.state(GOLD).status(at(hours)) for hours in (-2, -1, 0, 5)} == {"ended"}
    with pytest.raises(UnknownPrice):
        end_price(when(None), Stream("price-none").view(NOON))


def test_a_price_has_a_bounded_number_of_events() -> None:
    book = Book()
    for number in range(MAX_VERSIONS):
        book.set(replace(GOLD, terms=Terms("EUR", {"input": str(number)}, None, None)), now=number)
    with pytest.raises(Conflict, match="at most 1000 events"):
        book.set(GOLD, now=MAX_VERSIONS)


def test_the_state_is_the_fold_of_the_log_and_survives_its_row() -> None:
    book = Book()
    book.set(GOLD)
    book.set(replace(GOLD, terms=DEARER), -3)
    book.end(GOLD, 4)
    stream, state = book.streams["gold"], book.state(GOLD)
    assert fold(stream.history) == state == load(stream.name, dump(state))


# Ties: what is said of other prices while GOLD, for llama of any provider and billing_tier gold, is in effect.
SELECTORS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"tags": {"region": "eu"}}, True),
    ({"tags": {"billing_tier": "silver"}}, False),
    ({"tags": {}}, False),
    ({"tags": {"billing_tier": "gold", "region": "eu"}}, False),
    ({"model": "*"}, False),
    ({"model": "mistral"}, False),
    ({"provider": "vllm"}, False),
]


@pytest.mark.parametrize(("change", "ties"), SELECTORS)
def test_only_prices_that_fit_one_row_equally_well_tie(change: dict[str, Any], *, ties: bool) -> None:
    book, other = Book(), replace(GOLD, price_id="other", **change)
    book.set(GOLD)
    if ties:
        with pytest.raises(Conflict, match="the price gold rates the same rows as specifically"):
            book.set(other)
    else:
        assert book.set(other)


def test_selectors_of_which_no_key_can_have_all_tags_do_not_tie() -> None:
    one, other = ({f"{letter}{number}": "x" for number in range(33)} for letter in "ab")
    assert not hold_together(one, other)
    assert hold_together(one, {**dict(list(other.items())[:31])})


# Hours: from when GOLD is in effect until when, from when the other one is to be, and whether that ties.
SPANS: list[tuple[float, float | None, float, bool]] = [
    (0, None, 0, True),
    (0, None, -5, True),
    (0, None, 5, True),
    (0, 5, 5, False),
    (0, 5, 4, True),
    (5, None, 0, True),
    (5, 10, 10, False),
    (5, 10, 0, True),
]


@pytest.mark.parametrize(("since", "until", "other_since", "ties"), SPANS)
def test_prices_tie_only_where_both_are_in_effect(
    since: float, until: float | None, other_since: float, *, ties: bool
) -> None:
    book, other = Book(), replace(GOLD, price_id="other")
    book.set(GOLD, since)
    if until is not None:
        book.end(GOLD, until)
    if ties:
        with pytest.raises(Conflict, match="rates the same rows"):
            book.set(other, other_since)
    else:
        book.set(other, other_since)


def test_a_refusal_names_the_other_price_and_from_when_they_would_tie() -> None:
    book = Book()
    book.set(GOLD, 10)
    with pytest.raises(Conflict, match=r"the price gold .* from 2026-03-01T22:00:00\.000Z on"):
        book.set(replace(GOLD, price_id="other"), 0)


def test_terms_that_end_with_the_next_change_of_their_price_tie_no_further() -> None:
    book, other = Book(), replace(GOLD, price_id="other")
    book.set(GOLD, 0)
    book.end(GOLD, 5)
    book.set(other, 10)
    book.end(other, 20)
    assert book.set(GOLD, 3) == []
    assert len(book.set(GOLD, -3)) == 1, "in effect until 0, where it has a change"
    with pytest.raises(Conflict, match="from 2026-03-01T22:00"):
        book.set(GOLD, 6)
    assert len(book.set(GOLD, 20)) == 1


SELECTIONS = [
    (model, provider, tags)
    for model, provider, tags in product(
        ("*", "m"), (None, "p"), ({}, {"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": "1"})
    )
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(range(4)),
            st.sampled_from(SELECTIONS),
            st.sampled_from([-3, -1, None, 2, 4]),
            st.sampled_from(["set", "end"]),
        ),
        max_size=12,
    )
)
def test_whatever_was_let_in_no_row_has_two_prices_of_equal_right(
    requests: list[tuple[int, tuple[str, str | None, dict[str, str]], int | None, str]],
) -> None:
    """Held against the rule itself, on every row that there can be: whatever is set, backdated, scheduled and ended."""
    book = Book()
    for number, (which, selection, hours, what) in enumerate(requests):
        price = NewPrice(f"p{which}", *selection, Terms("EUR", {"input": str(number)}, None, None))
        with suppress(Conflict, UnknownPrice):
            (book.set if what == "set" else book.end)(price, hours, now=number / 100)
    states = [one.state for one in book.streams.values() if isinstance(one.state, PriceState)]
    for ms, tags in product((at(h) for h in (-4, -3, -1, 0, 0.05, 1, 2, 3, 4, 9)), TAGS_OF_KEYS):
        ranks = list(_ranks(states, ms, tags))
        assert len(ranks) == len(set(ranks)), (ms, tags)


TAGS_OF_KEYS: list[dict[str, str]] = [
    {},
    {"a": "1"},
    {"a": "2"},
    {"b": "1"},
    {"a": "1", "b": "1"},
    {"a": "2", "b": "1"},
]


def _ranks(states: list[PriceState], ms: int, tags: dict[str, str]) -> Iterator[tuple[bool, bool, int]]:
    """How specific each price is that fits a row of model m, provider p and these tags."""
    for one in states:
        change = one.at(ms)
        fits = one.model in {"*", "m"} and one.provider in {None, "p"} and one.tags.items() <= tags.items()
        if change is not None and change.terms is not None and fits:
            yield one.model != "*", one.provider is not None, len(one.tags)
