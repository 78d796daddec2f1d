"""GET /audit/diff: keys, tags and bills at two positions, as an auditor is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from registry.instant import parse_instant, to_ms
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import chat, model, uuid7

BILL = {"since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z", "group_by": "customer_id"}


async def diff(ledger: Ledger, first: int, last: int, **query: Any) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """The items by kind, and the result."""
    answer = await ledger.ask("/audit/diff", known_at=[first, last], **query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    *parts, end = [json.loads(line) for line in answer.text.splitlines()]
    items: dict[str, list[Any]] = {"key": [], "line": [], "late_line": []}
    for part in parts:
        if "item" in part:
            ((kind, item),) = part["item"].items()
            items[kind].append(item)
        else:
            assert part["progress"]["done"] <= part["progress"]["total"] == last - first
    return items, end["result"]


async def used(ledger: Ledger, customer: str, cost: str) -> dict[str, Any]:
    """A key, and an inference at the very millisecond of its creation."""
    key = await ledger.api.make_key(tags={"customer_id": customer})
    at = to_ms(parse_instant(key["created_at"]))
    inference = uuid7(at, int(Decimal(cost) * 1000))
    row = model(uuid7(at, 7 + int(Decimal(cost) * 1000)), inference, cost=Decimal(cost))
    await ledger.serve([chat(inference, key["public_id"]), row])
    return key


async def correct(ledger: Ledger, key: dict[str, Any], **tags: str | None) -> None:
    """Tags, from the key's creation on."""
    query = {"effective_at": key["created_at"], "reason": "ticket 4711"}
    answer = await ledger.api.patch(key["public_id"], {"tags": tags}, **query)
    assert answer.status_code == 200, answer.text


async def test_a_correction_moves_money_from_one_line_to_another_and_the_diff_says_so(ledger: Ledger) -> None:
    moved, _stays = await used(ledger, "acme", "1.25"), await used(ledger, "acme", "0.5")
    before = await ledger.api.head()
    await correct(ledger, moved, customer_id="globex")
    after = await ledger.apply()
    items, result = await diff(ledger, before, after, **BILL)
    (key,) = items["key"]
    assert (key["public_id"], key["created"], key["events"]) == (moved["public_id"], False, [after])
    assert key["changes"] == [{"field": "tags.customer_id", "from": "acme", "to": "globex"}]
    assert key["timeline"] == [
        {"tag": "customer_id", "from": moved["created_at"], "until": None, "before": "acme", "after": "globex"}
    ]
    tokens = dict.fromkeys(("cached_input", "cached_output", "cache_read", "cache_write"), 0)
    sums = {**{f"{name}_tokens": n for name, n in tokens.items()}, "unpriced": 0, "charges": []}
    one = {"inferences": 1, "input_tokens": 10, "output_tokens": 5, **sums, "unrated": 1}
    assert items["line"] == [
        {
            "by": {"customer_id": "acme"},
            "before": {
                "inferences": 2,
                "input_tokens": 20,
                "output_tokens": 10,
                **sums,
                "unrated": 2,
                "cost_usd": "1.75",
            },
            "after": {**one, "cost_usd": "0.5"},
            "cost_usd": "-1.25",
        },
        {
            "by": {"customer_id": "globex"},
            "before": None,
            "after": {**one, "cost_usd": "1.25"},
            "cost_usd": "1.25",
        },
    ]
    bill = result["bill"]
    assert (bill["total"], bill["coverage"], bill["lines"], bill["late_lines"]) == (None, [], 2, 0)
    assert (result["keys"], result["events"], result["other_events"]) == (1, 1, 0)


async def test_from_nothing_on_every_key_was_made_and_all_usage_was_of_unknown_keys(ledger: Ledger) -> None:
    keys = [await used(ledger, "acme", "1.5"), await used(ledger, "globex", "0.25")]
    head = await ledger.apply()
    items, result = await diff(ledger, 0, head, **BILL)
    assert {one["public_id"] for one in items["key"]} == {one["public_id"] for one in keys}
    assert all(one["created"] for one in items["key"])
    assert [line["cost_usd"] for line in items["line"]] == ["1.5", "0.25"]
    assert result["bill"]["total"]["before"]["inferences"] == 0
    assert result["bill"]["total"]["cost_usd"] == "1.75"
    assert [(one["bucket"], one["cost_usd"]) for one in result["bill"]["coverage"]] == [
        ("unknown_key", "-1.75"),
        ("keyed", "1.75"),
    ]
    assert (result["keys"], result["events"], result["other_events"]) == (2, 2, head - 2)


async def test_a_revocation_moves_no_line_of_what_was_used_before_it(ledger: Ledger) -> None:
    key = await used(ledger, "acme", "1.5")
    before = await ledger.api.head()
    await ledger.api.call("DELETE", f"/admin/api-keys/{key['public_id']}")
    items, result = await diff(ledger, before, await ledger.apply(), **BILL)
    assert [one["changes"] for one in items["key"]] == [[{"field": "status", "from": "active", "to": "revoked"}]]
    assert (items["line"], items["late_line"], result["bill"]["total"]) == ([], [], None)


async def test_between_a_position_and_itself_nothing_changed(ledger: Ledger) -> None:
    await used(ledger, "acme", "1.5")
    head = await ledger.apply()
    items, result = await diff(ledger, head, head, **BILL)
    assert items == {"key": [], "line": [], "late_line": []}
    assert (result["keys"], result["events"], result["other_events"]) == (0, 0, 0)
    assert await diff(ledger, 0, 0) == (
        {"key": [], "line": [], "late_line": []},
        {"from": 0, "to": 0, "keys": 0, "events": 0, "other_events": 0, "bill": None},
    )


async def test_more_keys_than_a_page_are_each_told_once(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.history.diff.PAGE", 2)
    made = [(await ledger.api.make_key())["public_id"] for _ in range(5)]
    await ledger.api.patch(made[0], {"description": "x"})
    items, result = await diff(ledger, 0, await ledger.api.head())
    assert sorted(one["public_id"] for one in items["key"]) == sorted(made)
    assert (result["keys"], result["events"]) == (5, 6)
