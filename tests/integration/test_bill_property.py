"""Whatever happened to keys and whatever the gateway wrote, bills equal the brute-force oracle's at every position."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.bill_world import World, batch, chat, instant, model, uuid7
from tests.support.oracle.oracle import EPOCH, KEY_TAG, Fact, Row, oracle_bill, oracle_intervals

BASE = instant("2026-03-29T00:59:59.990")  # ten milliseconds before the clocks of Berlin go forward
KEYS = ("keyAAAAAAAA1", "keyBBBBBBBB2")
SPARE = ("credCCCCCCC3", "credDDDDDDD4")
ALL_KNOWN = 2**64 - 1
GROUP_BYS = (
    (),
    ("customer_id",),
    ("customer_id", "env"),
    ("model",),
    ("provider",),
    ("customer_id", "model", "provider"),
    ("function", "hour"),
    ("env", "day", "month", "model"),
)
BY_CUSTOMER = """
SELECT *
FROM {database}.bill(
    tag = 'customer_id', since = {since:String}, until = {until:String}, known_at = {known_at:UInt64}
)
"""
COVERAGE = """
SELECT *
FROM {database}.coverage(since = {since:String}, until = {until:String}, known_at = {known_at:UInt64})
"""
offsets = st.integers(0, 20)


@dataclass(frozen=True)
class Story:
    """What happened: the first `applied` positions are applied, later ones are half written."""

    facts: list[Fact]
    applied: int
    rows: list[Row]


@st.composite
def ledgers(draw: st.DrawFn) -> list[Fact]:
    """Facts of a dozen events about two keys: edits may be backdated, though not to before the key."""
    facts: list[Fact] = []
    created: dict[str, int] = {}
    spare = list(SPARE)
    credentials: dict[str, list[str]] = {}
    for position in range(1, draw(st.integers(1, 12)) + 1):
        key = draw(st.sampled_from(KEYS))
        if key not in created:
            at = created[key] = draw(st.integers(0, 8))
            credentials[key] = [key]
            ends = draw(st.none() | offsets)
            facts += [
                Fact(position, at, "key_created", key, expires_ms=ends),
                Fact(position, at, "credential_created", key, credential_id=key),
                Fact(position, at, "tag", key, tag="customer_id", value=draw(st.sampled_from(["acme", "beta"]))),
            ]
            continue
        at = draw(st.integers(created[key], 20))
        kinds = ["tag", "tag", "tag", "tag", "key_expiration", "suspended", "resumed", "key_revoked", "credential"]
        kind = draw(st.sampled_from(kinds))
        if kind == "tag":
            for tag in draw(st.lists(st.sampled_from(["customer_id", "env"]), min_size=1, unique=True)):
                value = draw(st.sampled_from(["acme", "beta", "ü b", None, None]))
                facts.append(Fact(position, at, "tag", key, tag=tag, value=value))
        elif kind == "credential":
            change = draw(st.sampled_from(["credential_created", "credential_expiration", "credential_revoked"]))
            if change == "credential_created" and spare:
                credentials[key].append(spare.pop(0))
            of = credentials[key][-1] if change == "credential_created" else draw(st.sampled_from(credentials[key]))
            if change == "credential_created" and any(f.credential_id == of for f in facts):
                change = "credential_expiration"
            ends = draw(st.none() | offsets) if change != "credential_revoked" else None
            facts.append(Fact(position, at, change, key, credential_id=of, expires_ms=ends))
        else:
            ends = draw(st.none() | offsets) if kind == "key_expiration" else None
            facts.append(Fact(position, at, kind, key, expires_ms=ends))
    return [
        Fact(**{**vars(f), "effective_ms": BASE + f.effective_ms, "expires_ms": _from_base(f.expires_ms)})
        for f in facts
    ]


def _from_base(offset: int | None) -> int | None:
    return None if offset is None else BASE + offset


ids = st.builds(lambda at, serial: uuid7(BASE + at, serial), st.integers(-2, 22), st.integers(0, 1))
bad_ids = st.sampled_from(
    [
        UUID("7f0e8400-e29b-41d4-a716-446655440000"),  # version 4
        UUID("019d3755-0000-7000-c000-000000000001"),  # version 7, but not the RFC's variant
        UUID(int=0),
    ]
)
inference_ids = st.one_of(ids, ids, ids, ids, ids, ids, ids, bad_ids)
model_ids = st.integers(0, 12).map(lambda serial: uuid7(BASE, serial))
texts = st.sampled_from(["gpt", "gpt\0", "gpt\0\1", "", "claude"])
tokens = st.sampled_from([None, 0, 1, 7, 4294967295])
costs = st.sampled_from(
    [None, "0", "0.000000001", "0.1", "-0.000000003", "999999999.999999999", "-999999999.999999999"]
)
owners = st.sampled_from([*KEYS, *KEYS, *KEYS, *SPARE, "unknownkey99", "", None])
claims = st.sampled_from([{}, {"customer_id": "mallory"}, {"z\0": "\0\1"}, {f"\0\0\1{KEY_TAG}": "x"}])
inference_rows = st.builds(
    lambda id_, key, table, function, claimed: chat(id_, key, table=table, function=function, **claimed),
    inference_ids,
    owners,
    st.sampled_from(["ChatInference", "JsonInference"]),
    texts,
    claims,
)
model_rows = st.builds(
    model,
    model_ids,
    inference_ids,
    model_name=texts,
    model_provider_name=texts,
    input_tokens=tokens,
    output_tokens=tokens,
    cached=st.booleans(),
    cost=costs.map(lambda text: None if text is None else Decimal(text)),
)


@st.composite
def usages(draw: st.DrawFn) -> list[Row]:
    """Rows of both kinds, orphans on both sides, some twice; most model rows have their inference."""
    inferences = draw(st.lists(inference_rows, max_size=10))
    models = draw(st.lists(model_rows, max_size=14))
    if inferences:
        owned = draw(st.lists(st.sampled_from(inferences), min_size=len(models), max_size=len(models)))
        strays = draw(st.sets(st.integers(0, 13), max_size=3))
        models = [
            row if number in strays else {**row, "inference_id": owner["id"]}
            for number, (row, owner) in enumerate(zip(models, owned, strict=True))
        ]
    rows = [*inferences, *models]
    again = draw(st.lists(st.sampled_from(rows), max_size=3)) if rows else []
    batches = draw(st.lists(st.sampled_from(inferences), max_size=1)) if inferences else []
    return [*rows, *again, *(batch(row["id"]) for row in batches)]


@st.composite
def stories(draw: st.DrawFn) -> Story:
    facts = draw(ledgers())
    last = facts[-1].position
    return Story(facts, draw(st.integers(max(0, last - 2), last)), draw(usages()))


questions = st.tuples(
    st.sampled_from(GROUP_BYS),
    st.sampled_from([(), (), (("customer_id", "acme"),), (("env", "ü b"), ("customer_id", "beta"))]),
    st.tuples(st.integers(-1, 21), st.integers(-1, 21)).map(sorted).map(lambda pair: (pair[0], pair[1] + 1)),
    st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)


@pytest.mark.timeout(600)
def test_bills_coverage_and_intervals_equal_the_oracle_at_every_position(world: World) -> None:
    """Current and as known at each past position: to the cent, the row and the millisecond."""
    _search(world, 20)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_bills_coverage_and_intervals_equal_the_oracle_in_a_hundred_more_stories(world: World) -> None:
    """The same, for as long as it is worth waiting."""
    _search(world, 100)


def _search(world: World, examples: int) -> None:
    loop = asyncio.new_event_loop()

    @settings(max_examples=examples)
    @given(story=stories(), asked=st.lists(questions, min_size=3, max_size=3))
    def holds(story: Story, asked: list[Any]) -> None:
        loop.run_until_complete(_check(world, story, asked))

    try:
        holds()
    finally:
        loop.close()


async def _check(world: World, story: Story, asked: Sequence[Any]) -> None:
    await world.clear()
    await world.write(story.facts, applied=story.applied)
    await world.serve(story.rows)
    every: list[int | None] = [None, *range(story.applied)]
    checks = [_check_bill(world, story, known_at, asked[i % len(asked)]) for i, known_at in enumerate(every)]
    checks += [_check_intervals(world, story, known_at) for known_at in every]
    checks += [_check_views(world, story, known_at, asked[0][2]) for known_at in {None, *every[-1:]}]
    await asyncio.gather(*checks)


async def _check_bill(world: World, story: Story, known_at: int | None, question: Any) -> None:
    group_by, tags, (since, until), time_zone = question
    expected = oracle_bill(
        story.facts,
        story.rows,
        group_by=group_by,
        since_ms=BASE + since,
        until_ms=BASE + until,
        known_at=story.applied if known_at is None else known_at,
        tags=tags,
        time_zone=time_zone,
    )
    bill = await world.bill(
        applied=story.applied,
        group_by=group_by,
        since=_datetime(since),
        until=_datetime(until),
        known_at=known_at,
        tags=tags,
        time_zone=time_zone,
    )
    assert len(bill["usage"].pop("fingerprint")) == 32
    assert {part: bill[part] for part in expected} == expected


async def _check_intervals(world: World, story: Story, known_at: int | None) -> None:
    position = story.applied if known_at is None else known_at
    assert await world.intervals(ALL_KNOWN if known_at is None else known_at) == oracle_intervals(story.facts, position)


async def _check_views(world: World, story: Story, known_at: int | None, period: tuple[int, int]) -> None:
    expected = oracle_bill(
        story.facts,
        story.rows,
        group_by=("customer_id",),
        since_ms=BASE + period[0],
        until_ms=BASE + period[1],
        known_at=story.applied if known_at is None else known_at,
    )
    bounds = {
        "since": f"{_datetime(period[0]):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "until": f"{_datetime(period[1]):%Y-%m-%d %H:%M:%S.%f}"[:-3],
        "known_at": ALL_KNOWN if known_at is None else known_at,
    }
    bill = await world.select(BY_CUSTOMER, **bounds)
    assert [_row(row) for row in bill] == [_row([*line["by"].values(), *_figures(line)]) for line in expected["lines"]]
    coverage = await world.select(COVERAGE, **bounds)
    assert [_row(row) for row in coverage] == [
        _row([bucket["bucket"], *_figures(bucket)]) for bucket in expected["coverage"]
    ]


def _figures(line: dict[str, Any]) -> list[Any]:
    return [value for name, value in line.items() if name not in ("by", "bucket")]


def _row(row: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(Decimal(value) if number == 6 else value for number, value in enumerate(row))


def _datetime(offset: int) -> datetime:
    return EPOCH + timedelta(milliseconds=BASE + offset)
