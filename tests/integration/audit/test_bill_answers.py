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

PERIOD = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "group_by": "customer_id"}
CSV = {"Accept": "text/csv"}


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
        await ask(ledger, "/billing/usage", CSV, usage_known_at=0),
    ]
    assert [answer.status_code for answer in refused] == [422] * 3
    assert [answer.json()["errors"][0]["field"] for answer in refused] == ["round", "group_by", "usage_known_at"]
    unlike = await ask(ledger, "/billing/usage", {"Accept": "text/html"}, group_by=[])
    assert (unlike.status_code, unlike.headers["content-type"]) == (200, "application/json")
