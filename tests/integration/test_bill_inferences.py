"""The inferences behind a line: their figures add up to it to the last digit, and pages stay while rows arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal, localcontext
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.billing.figures import FIGURES, Charge, Figures, Line, PriceCharge
from projections.billing.inferences import BilledInference, Place, list_inferences
from projections.billing.line import LISTED, LineQuery, line_faults
from projections.billing.query import BillQuery
from projections.engine.client import ClickHouse
from registry.instant import to_ms
from tests.support.bill_world import World, batch, chat, instant, key_facts, model, uuid7
from tests.support.examples import running
from tests.support.oracle.oracle import EPOCH, Fact, Row, _tags_at, known_facts
from tests.support.oracle.price_stories import PricedStory, priced_stories
from tests.support.oracle.prices import PriceFact
from tests.support.oracle.stories import BASE, KEYS, SPARE
from tests.support.oracle.tell import tell

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
YEAR = BillQuery(("customer_id",), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
GROUP_BYS = (
    ("customer_id",),
    ("model", "env"),
    ("customer_id", "provider", "model", "hour"),
    ("function", "day"),
    (),
)


async def pages(world: World, query: LineQuery, *, limit: int, applied: int = 10**6) -> list[list[BilledInference]]:
    """All pages of a line."""
    found: list[list[BilledInference]] = []
    after: Place | None = None
    while True:
        page = await list_inferences(world.clickhouse, world.names, query, applied, limit, after)
        found.append(page.items)
        if (after := page.next) is None:
            return found


def added(items: Sequence[Figures]) -> Figures:
    """The sum of figures, by addition alone."""
    sums: dict[str, Any] = {
        name: sum(getattr(one, name) for one in items) for name in FIGURES if name not in ("cost_usd", "charges")
    }
    costs = [one.cost_usd for one in items if one.cost_usd is not None]
    amounts: dict[str, Decimal] = {}
    for charge in (charge for one in items for charge in one.charges):
        amounts[charge.currency] = amounts.get(charge.currency, Decimal(0)) + charge.amount
    charges = tuple(Charge(currency, amounts[currency]) for currency in sorted(amounts))
    return Figures(**sums, cost_usd=sum(costs, start=Decimal(0)) if costs else None, charges=charges)


def by_currency(prices: Sequence[PriceCharge]) -> dict[str, Decimal]:
    """What prices charge, added up."""
    amounts: dict[str, Decimal] = {}
    with localcontext(prec=100):
        for one in prices:
            amounts[one.currency] = amounts.get(one.currency, Decimal(0)) + one.amount
    return amounts


async def check_lines(world: World, query: BillQuery, story: PricedStory, chance: Random, *, most: int) -> None:
    """Some lines of a bill, and a bucket, against their inferences."""
    applied = story.applied
    known = known_facts(story.facts, applied if query.known_at is None else query.known_at)
    bill = await world.typed_bill(
        applied=applied, **{one.name: getattr(query, one.name) for one in fields(query)}
    )  # fmt: skip
    asked: list[tuple[LineQuery, Figures]] = [
        (LineQuery(query, bucket, tuple(line.by.items())), line)
        for bucket, lines in zip(LISTED, (bill.lines, bill.late_lines), strict=True)
        for line in lines
    ]
    asked += [(LineQuery(query, one.bucket), one) for one in bill.coverage if one.bucket not in LISTED]
    for line, expected in chance.sample(asked, min(most, len(asked))):
        assert line_faults(line) == []
        found = [one for page in await pages(world, line, limit=3, applied=applied) for one in page]
        with localcontext(prec=100):
            assert added(found) == expected.figures, line
        for one in found:
            assert one.tags == (_tags_at(known, one.public_id, to_ms(one.at)) if one.at else {}), line
            assert by_currency(one.prices) == {charge.currency: charge.amount for charge in one.charges}
        places = [(one.at is not None, one.inference_id.int) for one in found]
        assert places == sorted(set(places))
        if isinstance(expected, Line):
            assert {tuple(one.by.items()) for one in found} == {tuple(expected.by.items())}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("examples", [1, pytest.param(40, marks=pytest.mark.long)])
def test_the_inferences_of_a_line_add_up_to_it_whatever_happened(world: World, examples: int) -> None:
    """Prices with every selector, several models, reversals, null tags, hours; at any position."""
    with running() as run:

        async def check(story: PricedStory, group_by: tuple[str, ...], chance: Random) -> None:
            await tell(world, story)
            since, until = (EPOCH + timedelta(milliseconds=BASE + offset) for offset in (-1, 21))
            known_at = chance.choice([None, chance.randint(0, story.applied)])
            key = chance.choice([None, None, *KEYS, SPARE[0]])
            query = BillQuery(group_by, since, until, known_at, time_zone="America/St_Johns", key=key)
            await check_lines(world, query, story, chance, most=3)

        @settings(max_examples=examples)
        @given(story=priced_stories(), group_by=st.sampled_from(GROUP_BYS), chance=st.randoms())
        def holds(story: PricedStory, group_by: tuple[str, ...], chance: Random) -> None:
            run(check(story, group_by, chance))

        holds()


def used(serial: int, **changes: Any) -> list[Row]:
    """An inference at noon, and its one model row."""
    id_ = uuid7(NOON + serial // 2, serial)
    return [chat(id_, KEY), model(uuid7(NOON, 2000 + serial), id_, **changes)]


async def test_pages_stay_as_they_were_while_rows_edits_and_prices_arrive(world: World) -> None:
    """0.15 EUR per million of 10 input tokens: 0.0000015 each, also after all of it changed."""
    await world.write([*key_facts(KEY, 1, NOON - 1000, customer_id="acme")], applied=2)
    price = PriceFact(2, NOON - 1000, "p", "set", "gpt", currency="EUR", input=Decimal("0.15"))
    await world.write_prices([price])
    for serial in range(5):
        await world.serve(used(serial))
    line = LineQuery(YEAR, by=(("customer_id", "acme"),))
    (before,) = await pages(world, line, limit=9, applied=2)
    first = await list_inferences(world.clickhouse, world.names, line, 2, 2)
    await world.serve([*used(5), model(uuid7(NOON, 3000), uuid7(NOON + 1, 2)), batch(uuid7(NOON + 1, 3))])
    await world.write([Fact(3, NOON - 500, "tag", KEY, tag="customer_id", value="beta")], applied=4)
    await world.write_prices([PriceFact(4, NOON - 999, "p", "set", "gpt", currency="EUR", input=Decimal(9))])
    rest = await list_inferences(world.clickhouse, world.names, line, 4, 9, first.next)
    assert [*first.items, *rest.items] == before
    assert [one.charges for one in before] == [(Charge("EUR", Decimal("0.0000015")),)] * 5
    assert await pages(world, line, limit=9, applied=4) == [[]]
    (after,) = await pages(world, LineQuery(YEAR, by=(("customer_id", "beta"),)), limit=9, applied=4)
    assert [one.inference_id for one in after] == [uuid7(NOON + serial // 2, serial) for serial in (0, 1, 2, 4, 5)]
    assert [one.output_tokens for one in after] == [5, 5, 10, 5, 5]


async def test_by_model_an_inference_has_the_figures_of_that_model_alone(world: World) -> None:
    await world.write(key_facts(KEY, 1, NOON, customer_id="acme"))
    id_ = uuid7(NOON, 1)
    more = [model(uuid7(NOON, 7), id_, model_name="own", cost=None), model(uuid7(NOON, 8), id_, model_name="own")]
    await world.serve([*[chat(id_, KEY), model(uuid7(NOON, 9), id_)], *more])
    by_model = BillQuery(("model",), YEAR.since, YEAR.until)
    ((own,),) = await pages(world, LineQuery(by_model, by=(("model", "own"),)), limit=9)
    assert (own.models, own.input_tokens, own.unpriced, own.cost_usd) == (["own"], 20, 1, Decimal("0.001"))
    ((whole,),) = await pages(world, LineQuery(YEAR), limit=9)
    assert (whole.models, whole.input_tokens, whole.by) == (["gpt", "own"], 30, {"customer_id": "acme"})
    assert await pages(world, LineQuery(by_model, by=(("model", None),)), limit=9) == [[]]


async def test_an_inference_has_all_tags_of_its_instant_and_what_each_price_charges(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = key_facts(KEY, 1, NOON - 1, customer_id="acme", tier="gold")
    edits = [Fact(2, NOON + 1, "tag", KEY, tag="tier"), Fact(2, NOON + 1, "tag", KEY, tag="env", value="prod")]
    await world.write([*facts, *edits], applied=5)
    gold = {"tier": "gold"}
    await world.write_prices(
        [
            PriceFact(3, NOON - 1, "gold", "set", "gpt", tags=gold, currency="EUR", input=Decimal(1)),
            PriceFact(4, NOON - 1, "own", "set", "own", currency="EUR", per_inference=Decimal("0.5")),
            PriceFact(5, NOON - 1, "margin", "set", "costly", cost_multiplier=Decimal(2)),
        ]
    )
    of_own = {"model_name": "own"}
    for serial in (0, 2):  # at noon, and in the millisecond of the edit
        await world.serve(
            [*used(serial), model(uuid7(NOON, 3000 + serial), uuid7(NOON + serial // 2, serial), **of_own)]
        )
    await world.serve(used(4, model_name="costly", cost=None))
    asked: list[str] = []
    query = type(world.clickhouse).query

    async def counted(self: ClickHouse, sql: str, *args: Any, **more: Any) -> Any:
        asked.append(sql)
        return await query(self, sql, *args, **more)

    monkeypatch.setattr(type(world.clickhouse), "query", counted)
    line = LineQuery(YEAR, by=(("customer_id", "acme"),))
    (found,) = await pages(world, line, limit=9, applied=5)
    statements = len(asked)
    assert [one.public_id for one in found] == [KEY] * 3
    after = {"customer_id": "acme", "env": "prod"}
    assert [one.tags for one in found] == [{"customer_id": "acme", "tier": "gold"}, after, after]
    own = PriceCharge("own", "EUR", Decimal("0.5"))
    assert [one.prices for one in found] == [[PriceCharge("gold", "EUR", Decimal("0.00001")), own], [own], []]
    assert [(one.charges, one.unrated) for one in found[:2]] == [
        ((Charge("EUR", Decimal("0.50001")),), 0),
        ((Charge("EUR", Decimal("0.5")),), 1),
    ]
    asked.clear()
    await list_inferences(world.clickhouse, world.names, line, 5, 1)
    assert len(asked) == statements, "a page takes as many statements, however many inferences it has"


def test_what_names_no_line_is_refused() -> None:
    by_model = BillQuery(("model", "day", "function"), YEAR.since, YEAR.until)
    for query, words in (
        (LineQuery(by_model), "must name a model"),
        (LineQuery(by_model, by=(("model", "gpt"), ("env", "x"))), "must be of the names in group_by"),
        (LineQuery(by_model, by=(("model", "gpt"), ("model", "x"))), "names the same twice"),
        (LineQuery(by_model, by=(("model", "gpt"), ("day", "2026-02-30"))), "must have a value for day"),
        (LineQuery(by_model, by=(("model", "gpt"), ("function", None))), "must have a value for function"),
        (LineQuery(by_model, "orphan", (("model", "gpt"),)), "names a line, and the bucket orphan has none"),
    ):
        (fault,) = line_faults(query)
        assert fault.field == "by"
        assert fault.detail.startswith(words)
