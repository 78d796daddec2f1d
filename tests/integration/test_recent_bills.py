"""What is kept of bills is never part of one, and says of which position it is."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest

from projections.billing.bill import compute_bill
from projections.billing.limits import BillLimits
from projections.billing.made import groups_of
from projections.billing.query import BillQuery
from projections.billing.recent_bills import RecentBills
from projections.errors import TooManyLines
from registry.instant import from_ms
from tests.support.bill_world import World, chat, model, uuid7
from tests.support.oracle.oracle import Fact
from tests.support.waiting import eventually

AT = 1_774_746_000_000
CUSTOMERS = 6


async def written(world: World) -> None:
    """Six keys of a customer each, made by events 1 to 6 and used once; by event 7 the first is the second's."""
    facts, rows = list[Fact](), list[Any]()
    for number in range(1, CUSTOMERS + 1):
        key = f"key{number}"
        facts += [
            Fact(number, AT - 1000, "key_created", key, "", "", None, None),
            Fact(number, AT - 1000, "credential_created", key, key, "", None, None),
            Fact(number, AT - 1000, "tag", key, "", "customer_id", f"c{number}", None),
        ]
        rows += [chat(uuid7(AT, number), key), model(uuid7(AT + 1, number), uuid7(AT, number))]
    facts.append(Fact(CUSTOMERS + 1, AT - 500, "tag", "key1", "", "customer_id", "c2", None))
    await world.write(facts)
    await world.serve(rows)


def asked(*group_by: str, customer: str | None = None) -> BillQuery:
    tags = () if customer is None else (("customer_id", customer),)
    return BillQuery(group_by, from_ms(AT - 1000), from_ms(AT + 1000), tags=tags)


async def test_a_question_that_is_cut_off_is_part_of_no_other_bill(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.billing.recent_bills._GROUPS", 2)
    await written(world)
    recent, limits = RecentBills(world.clickhouse, world.names), BillLimits(lines=3)

    async def bill(query: BillQuery, recent: RecentBills | None) -> Any:
        return await compute_bill(world.clickhouse, world.names, query, CUSTOMERS, limits, recent=recent)

    for _ in range(2):
        with pytest.raises(TooManyLines):
            await bill(asked("customer_id"), recent)
        assert await bill(asked(customer="c3"), recent) == await bill(asked(customer="c3"), None)
    every = BillLimits(lines=100)
    one = await compute_bill(world.clickhouse, world.names, asked("customer_id"), CUSTOMERS, every, recent=recent)
    assert len(one.lines) == CUSTOMERS


async def test_those_who_ask_at_once_are_answered_as_of_the_position_that_the_bill_names(world: World) -> None:
    await written(world)
    recent, query = RecentBills(world.clickhouse, world.names), asked(customer="c2")
    plain = {
        position: await compute_bill(world.clickhouse, world.names, query, position)
        for position in (CUSTOMERS, CUSTOMERS + 1)
    }
    assert [one.total.inferences for one in plain.values()] == [1, 2]
    for positions in ([CUSTOMERS], [CUSTOMERS, CUSTOMERS + 1, CUSTOMERS], [CUSTOMERS + 1]):
        bills = await asyncio.gather(
            *(compute_bill(world.clickhouse, world.names, query, one, recent=recent) for one in positions)
        )
        for position, bill in zip(positions, bills, strict=True):
            assert bill.position >= position
            assert bill == plain[bill.position]


async def test_usage_after_now_hides_no_usage_before_it_where_entries_are_summed_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(world)
    await world.serve([chat(uuid7(4_000_000_000_000, number), f"key{number}") for number in range(1, CUSTOMERS + 1)])
    query = BillQuery(("customer_id",), from_ms(AT - 1000), from_ms(4_100_000_000_000), tags=(("customer_id", "c3"),))
    each = await compute_bill(world.clickhouse, world.names, query, CUSTOMERS)
    assert each.usage.seen_until == from_ms(AT)
    monkeypatch.setattr("projections.billing.statement.ways._MANY", 0)
    assert await compute_bill(world.clickhouse, world.names, query, CUSTOMERS) == each


async def test_a_bill_by_less_names_is_made_of_the_one_by_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not one by model of one without: an inference is once in the line of each of its models."""
    await written(world)
    recent, made = RecentBills(world.clickhouse, world.names), list[tuple[str, ...]]()

    async def counted(*given: Any) -> Any:
        made.append(given[2].group_by)
        return await groups_of(*given)

    async def bill(query: BillQuery) -> None:
        right = await compute_bill(world.clickhouse, world.names, query, CUSTOMERS)
        made.clear()
        assert await compute_bill(world.clickhouse, world.names, query, CUSTOMERS, recent=recent) == right

    monkeypatch.setattr("projections.billing.recent_bills.groups_of", counted)
    more = asked("day", "customer_id", "function")
    await bill(more)
    assert made == [more.group_by]
    for query in (asked("customer_id"), asked(), asked("function", "day"), asked("day", customer="c3")):
        await bill(query)
        assert made == [], query
    for query in (asked("customer_id", "model"), replace(more, group_by=(), key="key3"), asked("project_id")):
        await bill(query)
        assert made == [query.group_by]


async def test_many_keys_push_no_other_question_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.billing.recent_bills._OF_KEYS", 2)
    await written(world)
    recent, made = RecentBills(world.clickhouse, world.names), list[BillQuery]()

    async def counted(*given: Any) -> Any:
        made.append(given[2])
        return await groups_of(*given)

    monkeypatch.setattr("projections.billing.recent_bills.groups_of", counted)
    keys = [replace(asked("customer_id"), key=f"key{number}") for number in (1, 2, 3)]
    for query in (asked("customer_id"), *keys, asked("customer_id"), keys[2], keys[0]):
        await compute_bill(world.clickhouse, world.names, query, CUSTOMERS, recent=recent)
    assert made == [asked("customer_id"), *keys, keys[0]]


async def test_usage_dated_after_now_comes_into_a_key_s_bill_when_its_instant_has_come(world: World) -> None:
    await written(world)
    soon = time.time_ns() // 1_000_000 + 1500
    await world.serve([chat(uuid7(soon, 1), "key3"), chat(uuid7(soon + 600_000, 2), "key4")])
    recent = RecentBills(world.clickhouse, world.names)
    query = replace(asked(), key="key3", until=from_ms(soon + 1000))

    async def seen_until(kept: RecentBills | None) -> Any:
        return (await compute_bill(world.clickhouse, world.names, query, CUSTOMERS, recent=kept)).usage.seen_until

    assert await seen_until(recent) == from_ms(AT)
    await eventually(lambda: seen_until(None), lambda at: at == from_ms(soon), timeout_s=20)
    assert await seen_until(recent) == from_ms(soon)
