"""The oracle's charges, each rule with the arithmetic written out: a mistake here would pass for one of the bill's."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from tests.support.bill_world import batch, chat, instant, key_facts, model, uuid7
from tests.support.oracle.oracle import Fact, Row, oracle_bill
from tests.support.oracle.prices import PriceFact

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
BAD_ID = UUID("7f0e8400-e29b-41d4-a716-446655440000")  # version 4
_PLAIN = {"kind", "model", "provider", "tags", "currency"}


def price(position: int, price_id: str = "p", *, at_ms: int = NOON, **changes: Any) -> PriceFact:
    """A price of so many dollars; amounts are given as text."""
    money = {name: Decimal(one) for name, one in changes.items() if name not in _PLAIN}
    return PriceFact(position, at_ms, price_id, **{**changes, **money})


def used(offset: int = 0, serial: int = 1, **changes: Any) -> list[Row]:
    """An inference so many milliseconds after noon, and its one model row: 10 tokens in, 5 out."""
    id_ = uuid7(NOON + offset, serial)
    return [chat(id_, KEY), model(uuid7(NOON + 100, serial), id_, **changes)]


def caches(read: int | None, write: int | None) -> dict[str, Any]:
    """The provider's cache counts of a model row."""
    return {"provider_cache_read_input_tokens": read, "provider_cache_write_input_tokens": write}


def bill(
    rows: Sequence[Row],
    prices: Sequence[PriceFact],
    *,
    facts: Sequence[Fact] = tuple(key_facts(KEY, 1, NOON - 1000, customer_id="acme")),
    group_by: Sequence[str] = (),
    known_at: int = 99,
) -> dict[str, Any]:
    """The oracle's bill of the hours about noon."""
    return oracle_bill(facts, rows, prices=prices, group_by=group_by, known_at=known_at,
                       since_ms=NOON - 10**6, until_ms=NOON + 10**6)  # fmt: skip


def charged(rows: Sequence[Row], *prices: PriceFact, **question: Any) -> tuple[dict[str, str], int]:
    """Amounts by currency, and how many rows are unrated."""
    total = bill(rows, prices, **question)["total"]
    return {one["currency"]: one["amount"] for one in total["charges"]}, total["unrated"]


def test_provider_caches_are_parts_of_the_input_and_cached_rows_count_apart() -> None:
    """Reads 3 + 0 and writes 2 + 0: the cached row's 9 and 8 are nobody's."""
    rows = [*used(0, 1, **caches(3, 2)), *used(1, 2, cached=True, **caches(9, 8)), *used(2, 3)]
    total = bill(rows, [])["total"]
    assert list(total) == [
        "inferences", "input_tokens", "output_tokens", "cached_input_tokens", "cached_output_tokens",
        "cache_read_tokens", "cache_write_tokens", "cost_usd", "unpriced", "charges", "unrated",
    ]  # fmt: skip
    assert [total["input_tokens"], total["cached_input_tokens"]] == [20, 10]
    assert [total["cache_read_tokens"], total["cache_write_tokens"]] == [3, 2]


def test_a_cost_that_nobody_knows_is_null_and_one_row_that_has_one_is_enough() -> None:
    unknown = bill(used(cost=None), [])
    assert (unknown["total"]["cost_usd"], unknown["total"]["unpriced"]) == (None, 1)
    assert bill([chat(uuid7(NOON), KEY)], [])["total"]["cost_usd"] is None
    free = bill([*used(cost=None), *used(1, 2, cost=Decimal(0))], [])
    assert (free["total"]["cost_usd"], free["total"]["unpriced"]) == ("0", 1)


def test_tokens_are_charged_per_million_to_the_last_digit() -> None:
    """10 x 0.000000000000000001 / 10^6 + 5 x 2 / 10^6 = 10^-23 + 0.00001."""
    assert charged(used(), price(2, input="0.000000000000000001", output="2")) == (
        {"USD": "0.00001000000000000000001"},
        0,
    )


def test_only_the_caches_that_a_price_names_leave_the_input() -> None:
    """Of 10 tokens 3 are reads and 2 writes, a dollar each of the input, 10 a read, 100 a write."""
    rows = used(**caches(3, 2))
    assert charged(rows, price(2, input="1"))[0] == {"USD": "0.00001"}  # 10
    assert charged(rows, price(2, input="1", cache_read="10"))[0] == {"USD": "0.000037"}  # 7 + 30
    assert charged(rows, price(2, input="1", cache_write="100"))[0] == {"USD": "0.000208"}  # 8 + 200
    assert charged(rows, price(2, input="1", cache_read="10", cache_write="100"))[0] == {"USD": "0.000235"}  # 5+30+200
    assert charged(rows, price(2, input="1", cache_read="0"))[0] == {"USD": "0.000007"}  # reads are free
    assert charged(rows, price(2, cache_read="10", output="1"))[0] == {"USD": "0.000035"}  # 30 + 5 out


def test_caches_greater_than_the_input_leave_a_negative_rest() -> None:
    """(10 - 13) x 1 + 13 x 0.1 = -1.7; with no input at all, (0 - 13) x 1 + 13 x 0.1 = -11.7."""
    named = price(2, input="1", cache_read="0.1")
    assert charged(used(**caches(13, None)), named)[0] == {"USD": "-0.0000017"}
    assert charged(used(input_tokens=None, **caches(13, None)), named)[0] == {"USD": "-0.0000117"}


def test_cached_rows_are_charged_by_their_own_amounts_or_nothing_and_are_rated() -> None:
    """10 x 3 + 5 x 4 = 50, whatever their provider caches; a multiplier multiplies nothing here, not even None."""
    row = used(cached=True, cost=None, **caches(4, 4))
    both = price(2, input="1", cache_read="1", cached_input="3", cached_output="4", per_inference="9")
    assert charged(row, both) == ({"USD": "0.00005"}, 0)
    assert charged(row, price(2, input="1", output="1")) == ({"USD": "0"}, 0)
    assert charged(row, price(2, cost_multiplier="2")) == ({"USD": "0"}, 0)


def test_a_multiplier_charges_the_recorded_cost_and_leaves_an_unknown_one_unrated() -> None:
    """0.001 x 1.25 = 0.00125, and a discount of -0.000000001 x 1.25 = -0.00000000125."""
    rows = [*used(0, 1), *used(1, 2, cost=Decimal("-0.000000001")), *used(2, 3, cost=None)]
    assert charged(rows, price(2, cost_multiplier="1.25")) == ({"USD": "0.00124999875"}, 1)
    assert charged(used(cost=None), price(2, cost_multiplier="1.25")) == ({}, 1)


def test_per_inference_is_charged_once_for_each_price_on_its_first_row_that_was_bought() -> None:
    """By id: a cached gpt, claude, gpt, gpt, llama. The price of gpt counts on the third, the general one on claude."""
    id_ = uuid7(NOON, 1)
    models = [("gpt", True), ("claude", False), ("gpt", False), ("gpt", False), ("llama", False)]
    rows = [model(uuid7(NOON, 10 + i), id_, model_name=name, cached=one) for i, (name, one) in enumerate(models)]
    found = bill(
        [chat(id_, KEY), *reversed(rows)],
        [price(2, "gpt", model="gpt", per_inference="5", cached_input="1000"), price(3, "any", per_inference="0.5")],
        group_by=("model",),
    )
    amounts = {line["by"]["model"]: line["charges"] for line in found["lines"]}
    assert amounts == {
        "claude": [{"currency": "USD", "amount": "0.5"}],
        "gpt": [{"currency": "USD", "amount": "5.01"}],  # 10 cached tokens are 0.01
        "llama": [{"currency": "USD", "amount": "0"}],
    }
    assert found["total"]["charges"] == [{"currency": "USD", "amount": "5.51"}]


def test_a_named_model_goes_before_a_named_provider_and_this_before_tags() -> None:
    """Each price is another amount for an inference; taken away one by one, the next most specific one is charged."""
    book = [
        price(2, "both, tag", model="gpt", provider="openai", tags={"customer_id": "acme"}, per_inference="1"),
        price(3, "both", model="gpt", provider="openai", per_inference="2"),
        price(4, "model, tags", model="gpt", tags={"customer_id": "acme", "env": "x"}, per_inference="3"),
        price(5, "model, tag", model="gpt", tags={"customer_id": "acme"}, per_inference="4"),
        price(6, "model", model="gpt", per_inference="5"),
        price(7, "provider, tag", provider="openai", tags={"env": "x"}, per_inference="6"),
        price(8, "provider", provider="openai", per_inference="7"),
        price(9, "tag", tags={"env": "x"}, per_inference="8"),
        price(10, "any", per_inference="9"),
    ]
    others = [
        price(11, "another", model="gpt\0", tags={"customer_id": "beta"}, per_inference="10"),
        price(12, "prefix", provider="open", per_inference="11"),
    ]
    facts = key_facts(KEY, 1, NOON - 1000, customer_id="acme", env="x")
    for number in range(len(book)):
        assert charged(used(), *others, *book[number:], facts=facts) == ({"USD": str(number + 1)}, 0)
    assert charged(used(), *others, facts=facts) == ({}, 1)


def test_prices_that_tie_are_an_error() -> None:
    with pytest.raises(AssertionError, match="prices tie"):
        charged(used(), price(2, "one", input="1"), price(3, "other", input="1"))


def test_a_price_holds_as_of_the_inference_and_as_known() -> None:
    """Position 2: a dollar from noon. 3: two from 10 ms after. 4: three from noon, backdated. 5: ended 20 ms after."""
    book = [
        price(2, per_inference="1"),
        price(3, at_ms=NOON + 10, per_inference="2"),
        price(4, per_inference="3"),
        price(5, at_ms=NOON + 20, kind="ended"),
    ]

    def at(offset: int, known_at: int) -> str | None:
        return charged(used(offset), *book, known_at=known_at)[0].get("USD")

    assert [at(-1, 5), at(0, 5), at(9, 5), at(10, 5), at(19, 5), at(20, 5)] == [None, "3", "3", "2", "2", None]
    assert [at(10, 1), at(10, 2), at(0, 3), at(0, 4), at(20, 4)] == [None, "1", "1", "3", "2"]


def test_tags_are_those_of_the_key_as_of_the_inference() -> None:
    """acme's price until the key moves 10 ms after noon; then beta has none, and the general price is charged."""
    facts = [
        *key_facts(KEY, 1, NOON - 1000, customer_id="acme"),
        Fact(2, NOON + 10, "tag", KEY, tag="customer_id", value="beta"),
    ]
    book = [price(3, "acme", tags={"customer_id": "acme"}, per_inference="1"), price(4, "any", per_inference="2")]
    assert charged(used(9), *book, facts=facts)[0] == {"USD": "1"}
    assert charged(used(10), *book, facts=facts)[0] == {"USD": "2"}


def test_buckets_without_a_keys_tags_are_rated_by_prices_without_tags_and_a_bad_id_by_none() -> None:
    """Acme's price is 1 and the general one 2: a batch of acme's key is charged 2, its late use 1."""
    facts = [*key_facts(KEY, 1, NOON - 1000, customer_id="acme"), Fact(2, NOON + 50, "key_revoked", KEY)]
    book = [price(3, "acme", tags={"customer_id": "acme"}, per_inference="1"), price(4, "any", per_inference="2")]
    keyed, late, batched, stranger = used(0, 1), used(60, 2), used(1, 3), used(2, 4)
    stranger[0] = chat(stranger[0]["id"], "unknownkey99", customer_id="acme")
    unkeyed = [chat(uuid7(NOON, 5), None, customer_id="acme"), model(uuid7(NOON, 105), uuid7(NOON, 5))]
    orphan = model(uuid7(NOON, 106), uuid7(NOON, 6))
    bad = [chat(BAD_ID, KEY), model(uuid7(NOON, 107), BAD_ID)]
    rows = [*keyed, *late, *batched, batch(batched[0]["id"]), *stranger, *unkeyed, orphan, *bad]
    found = bill(rows, book, facts=facts)
    amounts = {one["bucket"]: (one["charges"], one["unrated"]) for one in found["coverage"]}
    one, two = ([{"currency": "USD", "amount": amount}] for amount in ("1", "2"))
    assert amounts == {
        "bad_id": ([], 1),
        "batch": (two, 0),
        "orphan": (two, 0),
        "unkeyed": (two, 0),
        "unknown_key": (two, 0),
        "outside_key_life": (one, 0),
        "keyed": (one, 0),
    }
    assert found["late_lines"][0]["charges"] == one


def test_each_currency_has_its_sum_in_order_and_nothing_charged_is_still_a_sum() -> None:
    """gpt in yen, claude in euros at 0, and a model without a price."""
    rows = [row for i, name in enumerate(("gpt", "claude", "llama")) for row in used(i, i, model_name=name)]
    book = [
        price(2, "gpt", model="gpt", currency="JPY", input="100", output="10"),  # 1000 + 50
        price(3, "claude", model="claude", currency="EUR", input="0"),
    ]
    total = bill(rows, book)["total"]
    assert total["charges"] == [{"currency": "EUR", "amount": "0"}, {"currency": "JPY", "amount": "0.00105"}]
    assert total["unrated"] == 1


def test_model_rows_of_one_id_that_differ_in_their_caches_conflict_and_the_greatest_wins() -> None:
    """NULL is the least; reads come before writes."""
    first, row = used(**caches(None, 9))
    others = [{**row, **caches(2, 1)}, {**row, **caches(2, None)}]
    found = bill([first, row, *others], [])
    assert found["usage"]["conflicting_duplicates"] == 1
    assert (found["total"]["cache_read_tokens"], found["total"]["cache_write_tokens"]) == (2, 1)
