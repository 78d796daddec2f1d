"""An import of prices while others set some: what is refused after all is said, and the rest is set."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from registry.prices import service
from registry.prices.commands import When
from registry.prices.importing.rows import checked
from registry.prices.importing.run import PriceImport, PriceItem
from registry.prices.terms import NewPrice, Terms
from registry.progress import Progress
from tests.support.api.service import OPERATOR, Api

ONE = NewPrice("one", "llama", None, {}, Terms("EUR", {"input": "1"}, None, None))
TWO = replace(ONE, price_id="two", model="mistral")


async def test_a_price_that_ties_by_the_time_it_is_set_is_told_and_the_others_are_set(api: Api) -> None:
    registry = api.services.registry
    rows = [checked(2, ONE), checked(3, TWO)]
    running = PriceImport(registry.price_book, registry.prices, rows, When(), OPERATOR)
    plan = await running.plan()
    assert [item.outcome for item in plan] == ["set", "set"]
    await registry.prices.set(replace(ONE, price_id="rival"), When(), OPERATOR)
    refused, progress = [part async for part in running.apply(plan)]
    assert isinstance(refused, PriceItem)
    assert (refused.price_id, refused.outcome) == ("one", "refused")
    assert "the price rival rates the same rows" in (refused.detail or "")
    assert progress == Progress("prices", 2, 2)
    states, _ = await registry.price_book.all()
    assert {one.price_id for one in states} == {"two", "rival"}


async def test_a_large_book_is_read_by_page_and_planned_against(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "_PAGE", 50)
    registry = api.services.registry
    many = [checked(n, replace(ONE, price_id=f"p{n}", model=f"m{n}")) for n in range(2, 203)]
    running = PriceImport(registry.price_book, registry.prices, many, When(), OPERATOR)
    parts = [part async for part in running.apply(await running.plan())]
    assert parts[-1] == Progress("prices", 201, 201)
    assert {item.outcome for item in await running.plan()} == {"left"}
    assert await api.head() == 201 + 7, "seven events are of the tokens"
