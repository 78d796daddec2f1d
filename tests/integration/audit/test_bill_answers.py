"""What finance takes away over HTTP: CSV, rounded or exact, and the comparison of two bills."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import httpx

from registry.instant import parse_instant, to_ms
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import chat, model, uuid7
from tests.support.focus import assert_same_rows, csv_rows

PERIOD = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "group_by": "customer_id"}
CSV = {"Accept": "text/csv"}
_CORRECTS_USAGE = "corrects_usage_known_at"


async def used(ledger: Ledger, customer: str, *costs: str | None) -> dict[str, Any]:
    """A key, and inferences from the millisecond of its creation on."""
    key = await ledger.api.make_key(tags={"customer_id": customer})
    at = to_ms(parse_instant(key["created_at"]))
    for number, cost in enumerate(costs):
        inference = uuid7(at + number, number)
        row = model(uuid7(at, 100 + number), inference, cost=None if cost is None else Decimal(cost))
        await ledger.serve([chat(inference, key["public_id"]), row])
    return key


async def ask(ledger: Ledger, path: str, headers: dict[str, str] | None = None, **params: Any) -> httpx.Response:
    """The answer to finance."""
    return await ledger.api.call("GET", path, params={**PERIOD, **params}, headers=headers or {})


async def test_the_csv_has_the_lines_of_the_bill_and_says_what_rounding_changed(ledger: Ledger) -> None:
    await used(ledger, "=acme", "0.005", "0.01")
    await used(ledger, "globex", None)
    await ledger.apply()
    bill = (await ask(ledger, "/billing/usage")).json()
    answer = await ask(ledger, "/billing/usage", CSV)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert (answer.headers["vary"], answer.headers["keyledger-formula-values"]) == ("Accept", "1")
    assert answer.headers["keyledger-position"] == str(bill["position"])
    lines = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [line["customer_id"] for line in lines] == [line["by"]["customer_id"] for line in bill["lines"]]
    for line, on_bill in zip(lines, bill["lines"], strict=True):
        figures = {name: value for name, value in on_bill.items() if name not in ("by", "charges")}
        assert {name: line[name] for name in figures} == {
            name: "" if value is None else str(value) for name, value in figures.items()
        }
    answer = await ask(ledger, "/billing/usage", CSV, round="true")
    assert [line["cost_usd"] for line in csv.DictReader(io.StringIO(answer.text, newline=""))] == ["0.02", ""]
    assert answer.headers["keyledger-rounding"] == "cost_usd=0.005"


async def test_what_the_csv_cant_say_is_refused_by_its_field(ledger: Ledger) -> None:
    refused = [
        await ask(ledger, "/billing/usage", round="true"),
        await ask(ledger, "/billing/usage", CSV, group_by=["cost_usd"]),
        await ask(ledger, "/billing/usage", CSV, usage_known_at=-1),
    ]
    assert [answer.status_code for answer in refused] == [422] * 3
    assert [answer.json()["errors"][0]["field"] for answer in refused] == ["round", "group_by", "usage_known_at"]
    unlike = await ask(ledger, "/billing/usage", {"Accept": "text/html"}, group_by=[])
    assert (unlike.status_code, unlike.headers["content-type"]) == (200, "application/json")


async def test_two_positions_are_compared_line_by_line_and_by_every_line(ledger: Ledger) -> None:
    key = await used(ledger, "acme", "1.25")
    await used(ledger, "stays", "0.5")
    before = await ledger.apply()
    query = {"effective_at": key["created_at"], "reason": "ticket 4711"}
    answer = await ledger.api.patch(key["public_id"], {"tags": {"customer_id": "globex"}}, **query)
    assert answer.status_code == 200, answer.text
    after = await ledger.apply()
    found = (await ask(ledger, "/billing/compare", base_known_at=before)).json()
    assert list(found) == ["base", "current", "lines", "total"]
    assert [(found[side]["known_at"], found[side]["position"]) for side in ("base", "current")] == [
        (before, after),
        (None, after),
    ]
    assert [
        (line["by"]["customer_id"], line["base"] and line["base"]["cost_usd"], line["difference"]["cost_usd"])
        for line in found["lines"]
    ] == [("acme", "1.25", "-1.25"), ("globex", None, "1.25"), ("stays", "0.5", "0")]
    bills = [(await ask(ledger, "/billing/usage", known_at=known_at)).json() for known_at in (before, after)]
    for side, bill in zip(("base", "current"), bills, strict=True):
        assert [line[side] for line in found["lines"] if line[side]] == [
            {name: value for name, value in line.items() if name != "by"} for line in bill["lines"]
        ]
        assert found["total"][side] == bill["total"]
        assert found[side]["usage"] == bill["usage"]
    assert found["total"]["difference"]["inferences"] == 0


async def test_two_periods_are_compared_and_half_a_base_is_refused_by_its_field(ledger: Ledger) -> None:
    await used(ledger, "acme", "1.25")
    await ledger.apply()
    found = (
        await ask(ledger, "/billing/compare", base_since="2019-01-01T00:00:00+01:00", base_until="2020-01-01T00:00:00Z")
    ).json()
    assert (found["base"]["since"], found["base"]["until"]) == ("2018-12-31T23:00:00.000Z", "2020-01-01T00:00:00.000Z")
    (line,) = found["lines"]
    assert (line["base"], line["difference"]) == (None, line["current"])
    assert found["total"]["base"]["cost_usd"] is None
    for params, fields in (
        ({}, ["base_known_at"]),
        ({"base_since": "2019-01-01T00:00:00Z"}, ["base_until"]),
        ({"base_since": "2019-01-01T00:00:00Z", "base_until": "2018-01-01T00:00:00Z"}, ["base_until"]),
        ({"base_known_at": 10**9}, ["base_known_at"]),
        ({"base_usage_known_at": 10**9}, ["base_usage_known_at"]),
        ({"base_known_at": 0, "round": "true"}, ["round"]),
    ):
        refused = await ask(ledger, "/billing/compare", **params)
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, fields)


async def test_the_inferences_of_a_line_are_given_by_page_and_each_name_of_a_line_is_one_of_the_bills(
    ledger: Ledger,
) -> None:
    await used(ledger, "acme", "1.25", None, "0.5")
    await used(ledger, "globex", "7")
    await ledger.apply()
    page, items = {"next_cursor": None}, list[dict[str, Any]]()
    while not items or page["next_cursor"]:
        cursor = {"cursor": page["next_cursor"]} if items else {}
        answer = await ask(ledger, "/billing/inferences", by=["customer_id:acme"], limit=2, **cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        items += page["items"]
    assert [one["cost_usd"] for one in items] == ["1.25", None, "0.5"]
    first_members = ["inference_id", "at", "public_id", "credential_id", "tags", "bucket", "by", "models", "prices"]
    assert (list(items[0])[:9], items[0]["tags"]) == (first_members, {"customer_id": "acme"})
    (first, _) = (await ask(ledger, "/billing/usage")).json()["lines"]
    assert list(items[0])[9:] == list(first)[1:]
    # Named by the line alone, as by both.
    question = {name: value for name, value in PERIOD.items() if name != "group_by"} | {"by": ["customer_id:acme"]}
    answer = await ledger.api.call("GET", "/billing/inferences", params=question)
    assert answer.json()["items"] == items
    other = (await ask(ledger, "/billing/inferences", limit=1)).json()["next_cursor"]
    for params, fields in (
        ({"by": ["customer_id:acme"], "cursor": other}, ["cursor"]),
        ({"cursor": "aW5mZXJlbmNlczo0Mg"}, ["cursor"]),
        ({"by": ["env:prod"]}, ["by"]),
        ({"group_by": ["customer_id", "model"], "by": ["customer_id:acme"]}, ["by"]),
        ({"bucket": "lost"}, ["bucket"]),
        ({"by": ["customer_id:acme"], "bucket": "orphan"}, ["by"]),
    ):
        refused = await ask(ledger, "/billing/inferences", **params)
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, fields)


async def test_a_period_is_exported_for_focus_with_the_costs_of_the_bill_as_csv_or_parquet(ledger: Ledger) -> None:
    await used(ledger, "acme", "1.25")
    position = await ledger.apply()
    period = {name: value for name, value in PERIOD.items() if name != "group_by"}
    answer = await ledger.api.call("GET", "/billing/focus", params=period)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    (row,) = rows = csv_rows(answer.content)
    assert (row["Tags"], row["x_ProviderCostUsd"], row["x_Position"], row["SubAccountId"], row["ChargeClass"]) == (
        '{"customer_id":"acme"}', "1.25", str(position), "acme", "",
    )  # fmt: skip
    kind = "application/vnd.apache.parquet"
    answer = await ledger.api.call("GET", "/billing/focus", params=period, headers={"Accept": kind})
    assert (answer.headers["content-type"], answer.headers["vary"]) == (kind, "Accept")
    assert_same_rows(rows, answer.content)
    for params, field in (({"group_by": "customer_id"}, "group_by"), ({"corrects_known_at": 1}, _CORRECTS_USAGE)):
        refused = await ledger.api.call("GET", "/billing/focus", params={**period, **params})
        assert (refused.status_code, [one["field"] for one in refused.json()["errors"]]) == (422, [field])


async def test_what_corrects_an_export_for_focus_is_asked_for_by_what_that_export_says_of_itself(
    ledger: Ledger,
) -> None:
    key = await used(ledger, "acme", "1.25")
    await ledger.anchor()
    period = {name: value for name, value in PERIOD.items() if name != "group_by"}
    invoiced = csv_rows((await ledger.api.call("GET", "/billing/focus", params=period)).content)[0]
    query = {"effective_at": key["created_at"], "reason": "ticket 4711"}
    await ledger.api.patch(key["public_id"], {"tags": {"customer_id": "globex"}}, **query)
    await ledger.apply()
    corrects = {"corrects_known_at": invoiced["x_Position"], _CORRECTS_USAGE: invoiced["x_UsageAnchoredAt"]}
    answer = await ledger.api.call("GET", "/billing/focus", params={**period, **corrects})
    assert answer.status_code == 200, answer.text
    assert [
        (row["ChargeClass"], row["SubAccountId"], row["x_ProviderCostUsd"]) for row in csv_rows(answer.content)
    ] == [("Correction", "acme", "-1.25"), ("Correction", "globex", "1.25")]
