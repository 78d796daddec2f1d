"""Bills with the arithmetic written out: what each rule of money is, by example."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from keyledger.http.answer.encode import plain
from projections.billing.bill import compute_bill
from projections.billing.figures import BUCKETS
from projections.billing.limits import BillLimits
from projections.billing.query import BillQuery
from projections.errors import BadBillQuery, TooManyLines
from tests.support.bill_world import World, batch, chat, instant, key_facts, model, uuid7
from tests.support.oracle.oracle import Fact, Row

KEY = "keyAAAAAAAA1"
NOON = instant("2026-03-01T12:00:00")
GOLDEN = Path(__file__).parents[2] / "golden"


def used(at_ms: int, serial: int = 0, key: str | None = KEY, **changes: Any) -> list[Row]:
    """An inference at an instant, and its one model row."""
    id_ = uuid7(at_ms, serial)
    return [chat(id_, key), model(uuid7(at_ms + 1, 2000 + serial), id_, **changes)]


def tag(position: int, at_ms: int, value: str | None, name: str = "customer_id") -> Fact:
    """An edit of a tag of the key."""
    return Fact(position, at_ms, "tag", KEY, tag=name, value=value)


def costs(bill: dict[str, Any], part: str = "lines") -> dict[tuple[str | None, ...], str | None]:
    """Each line's cost by its labels."""
    return {tuple(line["by"].values()): line["cost_usd"] for line in bill[part]}


def buckets(bill: dict[str, Any]) -> dict[str, int]:
    """How many inferences each bucket has, where there are any."""
    return {part["bucket"]: part["inferences"] for part in bill["coverage"] if part["inferences"]}


async def test_an_edit_counts_from_its_very_millisecond(world: World) -> None:
    """0.001 a millisecond before the move is acme's; 0.010 at it and 0.100 after it are beta's: 0.110."""
    await world.write([*key_facts(KEY, 1, NOON - 1000, customer_id="acme"), tag(2, NOON, "beta")])
    for offset, cost in ((-1, "0.001"), (0, "0.010"), (1, "0.100")):
        await world.serve(used(NOON + offset, cost=Decimal(cost)))
    bill = await world.bill(group_by=("customer_id",))
    assert costs(bill) == {("acme",): "0.001", ("beta",): "0.11"}
    assert bill["total"]["cost_usd"] == "0.111"


async def test_a_second_is_too_coarse_for_a_bill(world: World) -> None:
    """Both inferences are in the second of the move; the gateway's own timestamp column cannot tell them apart."""
    await world.write([*key_facts(KEY, 1, NOON - 1000, customer_id="acme"), tag(2, NOON + 500, "beta")])
    await world.serve([*used(NOON + 499, 1), *used(NOON + 500, 2)])
    assert len(await world.select("SELECT DISTINCT timestamp FROM {gateway}.ChatInference")) == 1
    assert costs(await world.bill(group_by=("customer_id",))) == {("acme",): "0.001", ("beta",): "0.001"}


async def test_a_removed_tag_is_null_and_not_the_value_before(world: World) -> None:
    """The engine's argMax and last_value skip NULL: written carelessly, acme would pay on after its tag is gone."""
    facts = [*key_facts(KEY, 1, NOON, customer_id="acme"), tag(2, NOON + 10, "beta"), tag(3, NOON + 10, None)]
    await world.write(facts)
    await world.serve([*used(NOON + 9, 1), *used(NOON + 10, 2), *used(NOON + 99, 3)])
    bill = await world.bill(group_by=("customer_id",), applied=3)
    assert costs(bill) == {("acme",): "0.001", (None,): "0.002"}
    assert await world.intervals(2**64 - 1) == [
        (KEY, NOON, NOON + 10, {"customer_id": "acme"}),
        (KEY, NOON + 10, None, {}),
    ]
    golden = json.loads((GOLDEN / "bill_removed_tag.json").read_text())
    assert bill.pop("tzdata_version")  # each engine has its own
    assert bill == golden


async def test_the_bare_aggregate_still_has_the_trap_that_the_tuple_avoids(world: World) -> None:
    """Should an engine stop skipping NULL here, the comments that warn of it are to be read again."""
    rows = await world.clickhouse.query(
        "SELECT argMax(v, p), argMax(tuple(v), p).1 FROM values('v Nullable(String), p UInt8', ('acme', 1), (NULL, 2))"
    )
    assert rows == [("acme", None)]


async def test_at_one_instant_the_higher_position_wins(world: World) -> None:
    """The tie is decided by position, whatever the order in which rows were written."""
    facts = [
        *key_facts(KEY, 1, NOON, customer_id="a"),
        tag(2, NOON + 5, "b"),
        tag(4, NOON + 5, "d"),
        tag(3, NOON + 5, "c"),
    ]
    await world.write(facts)
    await world.serve(used(NOON + 5))
    assert costs(await world.bill(group_by=("customer_id",))) == {("d",): "0.001"}
    assert costs(await world.bill(group_by=("customer_id",), known_at=3)) == {("c",): "0.001"}


async def test_a_backdated_correction_leaves_later_edits_and_earlier_bills_alone(world: World) -> None:
    """Known at 2 the first inference was acme's; corrected at 3 it is gamma's; the later move to beta stands."""
    facts = [*key_facts(KEY, 1, NOON, customer_id="acme"), tag(2, NOON + 10, "beta"), tag(3, NOON, "gamma")]
    await world.write(facts)
    await world.serve([*used(NOON + 5, 1), *used(NOON + 15, 2)])
    assert costs(await world.bill(group_by=("customer_id",), known_at=2)) == {("acme",): "0.001", ("beta",): "0.001"}
    assert costs(await world.bill(group_by=("customer_id",))) == {("beta",): "0.001", ("gamma",): "0.001"}


async def test_use_after_a_late_revocation_is_shown_with_its_tags_and_not_billed(world: World) -> None:
    """Before the revocation was known, the use was billed; from position 2 on it is late, and the customer is named."""
    await world.write([*key_facts(KEY, 1, NOON, customer_id="acme"), Fact(2, NOON + 10, "key_revoked", KEY)])
    await world.serve([*used(NOON + 9, 1), *used(NOON + 10, 2)])
    assert costs(await world.bill(group_by=("customer_id",), known_at=1)) == {("acme",): "0.002"}
    bill = await world.bill(group_by=("customer_id",))
    assert costs(bill) == {("acme",): "0.001"}
    assert costs(bill, "late_lines") == {("acme",): "0.001"}
    assert buckets(bill) == {"keyed": 1, "outside_key_life": 1}


async def test_a_later_expiration_revives_an_expired_key_but_not_its_dead_time(world: World) -> None:
    """Expired at +10, extended at +20 to +30: dead from +10 until +20 and from +30."""
    facts = [*key_facts(KEY, 1, NOON, NOON + 10), Fact(2, NOON + 20, "key_expiration", KEY, expires_ms=NOON + 30)]
    await world.write(facts)
    offsets = (0, 9, 10, 19, 20, 29, 30)
    await world.serve([row for i, at in enumerate(offsets) for row in used(NOON + at, i)])
    assert buckets(await world.bill()) == {"keyed": 4, "outside_key_life": 3}


async def test_a_rotated_key_is_billed_by_any_of_its_credentials(world: World) -> None:
    """The new credential works from its creation, the old one until it expires; both are the key's."""
    facts = [
        *key_facts(KEY, 1, NOON, customer_id="acme"),
        Fact(2, NOON + 10, "credential_created", KEY, credential_id="credential2X"),
        Fact(2, NOON + 10, "credential_expiration", KEY, credential_id=KEY, expires_ms=NOON + 20),
    ]
    await world.write(facts)
    rows = [
        used(NOON + at, i, key)
        for i, (at, key) in enumerate([(9, "credential2X"), (10, "credential2X"), (19, KEY), (20, KEY)])
    ]
    await world.serve([row for pair in rows for row in pair])
    bill = await world.bill(group_by=("customer_id",))
    assert costs(bill) == {("acme",): "0.002"}
    assert costs(bill, "late_lines") == {("acme",): "0.002"}
    assert buckets(await world.bill(known_at=1)) == {"keyed": 2, "unknown_key": 2}


async def test_each_bucket_takes_what_no_bucket_before_it_took(world: World) -> None:
    """Seven inferences, seven buckets, in the order of the contract; money of all of them adds up to 0.007."""
    await world.write([*key_facts(KEY, 1, NOON), Fact(2, NOON + 10, "suspended", KEY)])
    bad, listed, orphan = UUID("7f0e8400-e29b-41d4-a716-446655440000"), uuid7(NOON + 1), uuid7(NOON + 2)
    await world.serve(
        [chat(bad, KEY), model(uuid7(1, 1), bad), chat(listed, KEY), model(uuid7(1, 2), listed), batch(listed)]
    )
    await world.serve([model(uuid7(1, 3), orphan)])
    await world.serve([*used(NOON + 3, 4, None), *used(NOON + 4, 5, "nobody"), *used(NOON + 10, 6), *used(NOON + 5, 7)])
    bill = await world.bill()
    assert [part["bucket"] for part in bill["coverage"]] == [
        "bad_id", "batch", "orphan", "unkeyed", "unknown_key", "outside_key_life", "keyed",
    ]  # fmt: skip
    assert [part["inferences"] for part in bill["coverage"]] == [1] * 7
    assert [part["cost_usd"] for part in bill["coverage"]] == ["0.001"] * 7
    other_year = await world.bill(since=datetime(2020, 1, 1, tzinfo=UTC), until=datetime(2021, 1, 1, tzinfo=UTC))
    assert buckets(other_year) == {"bad_id": 1}


async def test_a_client_cannot_charge_another_customer(world: World) -> None:
    """What the client claims is kept apart from what the key has."""
    await world.write(key_facts(KEY, 1, NOON, customer_id="acme"))
    id_ = uuid7(NOON)
    await world.serve([chat(id_, KEY, customer_id="victim"), model(uuid7(NOON, 1), id_)])
    assert costs(await world.bill(group_by=("customer_id",))) == {("acme",): "0.001"}
    rows = await world.select("SELECT tags, claimed_tags FROM {database}.billable_usage")
    assert rows == [({"customer_id": "acme"}, {"customer_id": "victim"})]


async def test_money_is_exact_however_much_of_it_there_is(world: World) -> None:
    """Ten times a billionth is 1E-8 to a careless program; a thousand of the greatest costs keep their last digit."""
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve([row for i in range(10) for row in used(NOON, i, cost=Decimal("0.000000001"))])
    assert (await world.bill())["total"]["cost_usd"] == "0.00000001"
    await world.serve([row for i in range(10, 1010) for row in used(NOON, i, cost=Decimal("999999999.999999999"))])
    assert (await world.bill())["total"]["cost_usd"] == "999999999999.99999901"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0"),
        ("-0.000000000", "0"),
        ("1E-9", "0.000000001"),
        ("1E+3", "1000"),
        ("10.100", "10.1"),
        ("-0.5", "-0.5"),
    ],
)
def test_money_is_written_in_plain_digits(amount: str, text: str) -> None:
    """No exponent, no needless zeros, no minus before nothing."""
    assert plain(Decimal(amount)) == text


async def test_where_not_one_row_has_a_cost_it_is_null_and_never_0(world: World) -> None:
    """A self-hosted model has no cost, a cached row has one of 0: by model they are two lines, one of them unknown."""
    await world.write(key_facts(KEY, 1, NOON))
    rows = [used(NOON, 1, cost=None, model_name="own"), used(NOON, 2, cached=True, cost=Decimal(0))]
    await world.serve([row for pair in rows for row in pair])
    bill = await world.bill(group_by=("model",))
    assert costs(bill) == {("gpt",): "0", ("own",): None}
    assert bill["total"]["cost_usd"] == "0"
    assert {one["bucket"]: one["cost_usd"] for one in bill["coverage"]} == dict.fromkeys(BUCKETS) | {"keyed": "0"}
    assert [part["cost_usd"] for part in (await world.bill())["lines"]] == ["0"]


async def test_no_price_is_not_free_and_cached_tokens_are_not_bought(world: World) -> None:
    """One row without a cost, one cached with cost 0, one refund: the sum is 0.001 - 0.0004 = 0.0006."""
    await world.write(key_facts(KEY, 1, NOON))
    rows = [used(NOON, 1, cost=None, input_tokens=None), used(NOON, 2, cached=True, cost=Decimal(0))]
    rows += [used(NOON, 3), used(NOON, 4, cost=Decimal("-0.0004"))]
    await world.serve([row for pair in rows for row in pair])
    assert (await world.bill())["total"] == {
        "inferences": 4, "input_tokens": 20, "output_tokens": 15, "cached_input_tokens": 10, "cached_output_tokens": 5,
        "cache_read_tokens": 0, "cache_write_tokens": 0, "cost_usd": "0.0006", "unpriced": 1,
        "charges": [], "unrated": 4,
    }  # fmt: skip


async def test_of_rows_that_differ_the_greatest_wins_and_is_told(world: World) -> None:
    """The same row twice is one row; two that differ are one row too, the dearer here, and counted as a conflict."""
    await world.write(key_facts(KEY, 1, NOON))
    id_, same, other = uuid7(NOON), uuid7(NOON, 1), uuid7(NOON, 2)
    await world.serve([chat(id_, KEY)] * 2 + [model(same, id_)] * 3)
    await world.serve([model(other, id_), model(other, id_, cost=Decimal("0.5")), model(other, id_, cost=None)])
    bill = await world.bill()
    assert bill["total"]["cost_usd"] == "0.501"
    assert bill["usage"]["rows"] == 3
    assert bill["usage"]["conflicting_duplicates"] == 1


async def test_a_model_row_that_names_two_inferences_belongs_to_the_later_one_alone(world: World) -> None:
    """In the earlier month the row must not come back just because the later month is not asked for."""
    await world.write(key_facts(KEY, 1, NOON))
    february, march, row = uuid7(instant("2026-02-10T00:00:00")), uuid7(NOON), uuid7(NOON, 9)
    await world.serve([chat(february, None), chat(march, KEY), model(row, february), model(row, march)])
    early = await world.bill(until=datetime(2026, 3, 1, tzinfo=UTC))
    late = await world.bill(since=datetime(2026, 3, 1, tzinfo=UTC))
    assert [sum(Decimal(b["cost_usd"] or 0) for b in bill["coverage"]) for bill in (early, late)] == [
        0,
        Decimal("0.001"),
    ]
    assert late["usage"]["conflicting_duplicates"] == 1


async def test_an_inference_that_used_two_models_counts_once_in_the_total(world: World) -> None:
    """By model it counts with each it used; one without model rows counts with null as its model and no tokens."""
    await world.write(key_facts(KEY, 1, NOON))
    id_, bare = uuid7(NOON), uuid7(NOON, 1)
    await world.serve([chat(id_, KEY), model(uuid7(NOON, 2), id_), model(uuid7(NOON, 3), id_), chat(bare, KEY)])
    await world.serve([model(uuid7(NOON, 4), id_, model_name="claude")])
    bill = await world.bill(group_by=("model",))
    assert [(line["by"]["model"], line["inferences"], line["cost_usd"]) for line in bill["lines"]] == [
        ("claude", 1, "0.001"),
        ("gpt", 1, "0.002"),
        (None, 1, None),
    ]
    assert bill["total"]["inferences"] == 2


async def test_rows_of_events_that_are_not_applied_change_no_bill(world: World) -> None:
    """Position 2 is written, but its event is not marked as applied: a crash between the two leaves just that."""
    await world.write([*key_facts(KEY, 1, NOON, customer_id="acme"), tag(2, NOON, "forged")], applied=1)
    await world.serve(used(NOON))
    assert costs(await world.bill(group_by=("customer_id",), applied=1)) == {("acme",): "0.001"}
    rows = await world.select("SELECT tags, bucket FROM {database}.billable_usage")
    assert rows == [({"customer_id": "acme"}, "keyed")]


async def test_the_fingerprint_knows_rows_and_batches_and_not_their_order(world: World) -> None:
    """It is the same after a repeat in another order, and another after anything that decides a bill."""
    await world.write(key_facts(KEY, 1, NOON))
    rows = [*used(NOON, 1), *used(NOON, 2)]
    await world.serve(rows)
    first = (await world.bill())["usage"]["fingerprint"]
    await world.serve(rows[::-1])
    assert (await world.bill(group_by=("model",)))["usage"]["fingerprint"] == first
    await world.serve([batch(rows[0]["id"])])
    assert (await world.bill())["usage"]["fingerprint"] != first


async def test_a_bill_of_a_key_is_of_all_its_credentials_and_of_nothing_else(world: World) -> None:
    """Coverage and usage too; together, the bills of all keys are the bill of all that names a key."""
    other, second = "keyBBBBBBBB2", "credCCCCCCC3"
    made = Fact(3, NOON, "credential_created", KEY, credential_id=second)
    await world.write([*key_facts(KEY, 1, NOON, customer_id="acme"), *key_facts(other, 2, NOON), made])
    await world.serve([*used(NOON, 1), *used(NOON, 2, key=second), *used(NOON, 3, key=other), *used(NOON, 4, key=None)])
    bill = await world.bill(group_by=("customer_id",), key=KEY)
    assert costs(bill) == {("acme",): "0.002"}
    assert bill["key"] == KEY
    assert {one["bucket"]: one["inferences"] for one in bill["coverage"] if one["inferences"]} == {"keyed": 2}
    assert bill["usage"]["rows"] == 4
    assert {**await world.bill(group_by=("customer_id",), key=second), "key": KEY} == bill, "by any of its credentials"
    assert (await world.bill(key="' OR 1=1 --"))["usage"]["rows"] == 0
    assert (await world.bill(key=second, known_at=2))["total"]["inferences"] == 0, "it was none of them then"
    both = [await world.bill(key=one) for one in (KEY, other)]
    whole = await world.bill()
    assert sum(one["total"]["inferences"] for one in both) == whole["total"]["inferences"] == 3
    assert whole["key"] is None


async def test_a_bill_with_too_many_lines_is_refused_and_not_cut_off(world: World) -> None:
    """A bill that silently lacks lines would be a wrong bill."""
    await world.write(key_facts(KEY, 1, NOON))
    await world.serve([row for i in range(3) for row in used(NOON, i, model_name=f"m{i}")])
    query = BillQuery(("model",), datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(TooManyLines, match="more than 2 lines"):
        await compute_bill(world.clickhouse, world.names, query, 1, BillLimits(lines=2))
    assert len((await compute_bill(world.clickhouse, world.names, query, 1, BillLimits(lines=3))).lines) == 3


@pytest.mark.parametrize(
    ("field", "query"),
    [
        ("time_zone", {"time_zone": "Mars/Olympus"}),
        ("time_zone", {"time_zone": "../etc"}),
        ("group_by", {"group_by": ("a:b",)}),
        ("group_by", {"group_by": ("a", "a")}),
        ("group_by", {"group_by": tuple("abcdefghi")}),
        ("until", {"until": datetime(2026, 1, 1, tzinfo=UTC)}),
    ],
)
async def test_a_question_without_an_answer_names_its_field(world: World, field: str, query: dict[str, Any]) -> None:
    """The caller is told which part of the question is wrong."""
    with pytest.raises(BadBillQuery) as refused:
        await world.bill(**query)
    assert refused.value.field == field


async def test_names_and_values_are_bound_and_never_part_of_the_statement(world: World) -> None:
    """A tag's name may hold any quote there is."""
    name, value = "it's`\"\\{x}\\n", "'; DROP \\ TABLE x --"
    await world.write([*key_facts(KEY, 1, NOON), tag(2, NOON, value, name)])
    await world.serve(used(NOON))
    assert costs(await world.bill(group_by=(name,), tags=((name, value),))) == {(value,): "0.001"}


async def test_the_tokens_of_a_cached_row_stand_apart_in_the_view_too(world: World) -> None:
    """The view's names are those of the rows that it reads: one taken for the other, cached tokens would be none."""
    await world.serve([*used(NOON, 1), *used(NOON, 2, cached=True, cost=None)])
    rows = await world.select(
        "SELECT input_tokens, output_tokens, cached_input_tokens, cached_output_tokens, cost_usd "
        "FROM {database}.model_usage ORDER BY input_tokens DESC"
    )
    assert rows == [(10, 5, 0, 0, Decimal("0.001")), (0, 0, 10, 5, None)]
