"""What an edit would do to bills, asked before it is made, is what it then does; asking changes nothing."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from registry.instant import format_ms, from_ms, parse_instant, to_ms
from tests.support.audit.ledger_world import Ledger
from tests.support.bill_world import chat, model, uuid7

BY = {"group_by": ["customer_id", "tier"]}
MERGE = {"Content-Type": "application/merge-patch+json"}
PRICE = {"model": "*", "tags": {"tier": "gold"}, "currency": "EUR", "per_million": {"input": "1000", "output": "2000"}}


async def used(ledger: Ledger, tier: str, inferences: int = 4, *, late: int = 0) -> dict[str, Any]:
    """A key of acme's, and an inference in each millisecond from its creation on. With `late` it is revoked, and used
    so many times after that.
    """
    key = await ledger.api.make_key(tags={"customer_id": "acme", "tier": tier})
    at = to_ms(parse_instant(key["created_at"]))
    ids = [uuid7(at + number, number) for number in range(inferences)]
    if late:
        ended = await answered(ledger, "DELETE", f"/admin/api-keys/{key['public_id']}", None)
        end = to_ms(parse_instant(ended["revoked_at"]))
        ids += [uuid7(end, 50 + number) for number in range(late)]
    pairs = [(chat(one, key["public_id"]), model(uuid7(at, 100 + number), one)) for number, one in enumerate(ids)]
    await ledger.serve([row for pair in pairs for row in pair])
    return key


def after(key: dict[str, Any], ms: int) -> str:
    """So many milliseconds after the key's creation."""
    return format_ms(from_ms(to_ms(parse_instant(key["created_at"])) + ms))


async def answered(ledger: Ledger, method: str, path: str, body: Any, **params: Any) -> Any:
    content = {} if body is None else {"json": body}
    answer = await ledger.api.call(method, path, params=params, **content)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def what_it_does(ledger: Ledger, method: str, path: str, body: Any = None, **query: Any) -> dict[str, Any]:
    """What a change would do by its own answer, held against the two bills when it is made."""
    before = await ledger.apply()
    said: dict[str, Any] = await answered(ledger, method, path, body, what_if="true", **BY, **query)
    assert await ledger.api.head() == before == said["position"], "asking was recorded"
    assert await ledger.apply() == before
    await answered(ledger, method, path, body, **query)
    done = await ledger.apply()
    assert done - before == len(said["events"])
    period = {"since": said["since"], "until": said["until"], "base_known_at": before, "known_at": done}
    real = await answered(ledger, "GET", "/billing/compare", None, **BY, **period)
    assert said["lines"] == [line for line in real["lines"] if line["base"] != line["current"]]
    assert said["total"] == real["total"]
    return said


async def assert_late_lines_are_as_said(ledger: Ledger, said: dict[str, Any]) -> None:
    """Of the bills before the last change and after it, in the order of their values as on a bill."""
    sides = []
    for position in (said["position"], await ledger.api.head()):
        question = {"since": said["since"], "until": said["until"], "known_at": position, **BY}
        lines = (await answered(ledger, "GET", "/billing/usage", None, **question))["late_lines"]
        sides.append({tuple(line.pop("by").values()): line for line in lines})
    base, current = sides
    ordered = sorted({*base, *current}, key=lambda values: [(one is None, one or "") for one in values])
    assert [(tuple(line["by"].values()), line["base"], line["current"]) for line in said["late_lines"]] == [
        (by, base.get(by), current.get(by)) for by in ordered if base.get(by) != current.get(by)
    ]


async def assert_nothing_is_left_out(ledger: Ledger, said: dict[str, Any]) -> None:
    """Outside the period of the last change no bill differs by it."""
    known = {"base_known_at": said["position"], "since": "2020-01-01T00:00:00Z", "until": "2100-01-01T00:00:00Z"}
    assert differing(await answered(ledger, "GET", "/billing/compare", None, **BY, **known)) == differing(said)


def differing(made: dict[str, Any]) -> list[Any]:
    """By how many inferences and how much money which lines differ."""
    found = []
    for line in made["lines"]:
        difference = line["difference"]
        charges = [(one["currency"], Decimal(one["amount"])) for one in difference["charges"]]
        numbers = difference["inferences"], difference["unrated"], [one for one in charges if one[1]]
        if numbers != (0, 0, []):
            found.append((line["by"], numbers))
    return found


async def test_a_backdated_tag_says_whose_bills_it_moves_and_by_how_much(ledger: Ledger) -> None:
    key = await used(ledger, "gold")
    await answered(ledger, "PUT", "/admin/prices/gold", PRICE, effective_at="2020-01-01T00:00:00Z", reason="list")
    path, patch = f"/admin/api-keys/{key['public_id']}", {"tags": {"customer_id": "globex", "new": "1"}}
    said = await what_it_does(ledger, "PATCH", path, patch, effective_at=after(key, 2), reason="ticket 1")
    assert [(line["by"]["customer_id"], line["difference"]["inferences"]) for line in said["lines"]] == [
        ("acme", -2),
        ("globex", 2),
    ]
    assert [(one["type"], one["effective_at"]) for one in said["events"]] == [("TagsChanged", after(key, 2))]
    assert said["since"] == after(key, 2)
    # The edit that is there by now takes over: nothing after it is looked at.
    said = await what_it_does(
        ledger, "PATCH", path, {"tags": {"customer_id": "initech"}}, effective_at=after(key, 1), reason="ticket 2"
    )
    assert (said["since"], said["until"]) == (after(key, 1), after(key, 2))
    await assert_nothing_is_left_out(ledger, said)
    assert [line["difference"]["inferences"] for line in said["lines"]] == [-1, 1]
    # At the very instant of another edit the later one counts.
    again = {"effective_at": after(key, 1), "reason": "ticket 3"}
    said = await what_it_does(ledger, "PATCH", path, {"tags": {"customer_id": None}}, **again)
    assert [line["by"]["customer_id"] for line in said["lines"]] == ["initech", None]


async def test_a_price_says_what_it_would_charge_from_then_on(ledger: Ledger) -> None:
    key = await used(ledger, "gold")
    path, at = "/admin/prices/gold", {"reason": "list"}
    said = await what_it_does(ledger, "PUT", path, PRICE, effective_at=after(key, 1), **at)
    assert [line["difference"]["unrated"] for line in said["lines"]] == [-3]
    dearer = {**PRICE, "per_million": {"input": "1500.5"}, "per_inference": "0.000000000000000001"}
    said = await what_it_does(ledger, "PUT", path, dearer, effective_at=after(key, 3), **at)
    assert Decimal(said["total"]["difference"]["charges"][0]["amount"]) != 0
    same = await answered(ledger, "PUT", path, dearer, what_if="true", effective_at=after(key, 3), **at)
    assert (same["events"], same["lines"]) == ([], [])
    said = await what_it_does(ledger, "DELETE", path, effective_at=after(key, 2), **at)
    assert [one["type"] for one in said["events"]] == ["PriceEnded", "PriceEnded"]
    assert [line["difference"]["unrated"] for line in said["lines"]] == [2]
    later = format_ms(datetime.now(UTC) + timedelta(days=30))
    said = await answered(ledger, "PUT", path, PRICE, what_if="true", effective_at=later)
    assert (said["since"], said["lines"], len(said["events"])) == (later, [], 1)


async def test_usage_after_a_key_s_end_is_moved_in_late_lines_with_its_charges(ledger: Ledger) -> None:
    key = await used(ledger, "gold", 1, late=2)
    await answered(ledger, "PUT", "/admin/prices/gold", PRICE, effective_at="2020-01-01T00:00:00Z", reason="list")
    path, patch = f"/admin/api-keys/{key['public_id']}", {"tags": {"customer_id": "globex"}}
    said = await what_it_does(ledger, "PATCH", path, patch, effective_at=after(key, 0), reason="ticket 4")
    await assert_late_lines_are_as_said(ledger, said)
    # 10 tokens in for 0.001 EUR each, and 5 out for 0.002: twice after the end, and once before it.
    assert [differing({"lines": said[name]}) for name in ("late_lines", "lines")] == [
        [
            ({"customer_id": "acme", "tier": "gold"}, (-times, 0, [("EUR", Decimal("-0.02") * times)])),
            ({"customer_id": "globex", "tier": "gold"}, (times, 0, [("EUR", Decimal("0.02") * times)])),
        ]
        for times in (2, 1)
    ]


@pytest.mark.long  # the tests above take the same way
@pytest.mark.parametrize("seed", range(1, 7))
async def test_random_edits_do_what_was_said_of_them(ledger: Ledger, seed: int) -> None:
    rng = random.Random(seed)
    keys = [await used(ledger, tier, 3, late=late) for tier, late in (("gold", 0), ("silver", 2))]
    for number in range(5):
        key = rng.choice(keys)
        query = {"effective_at": after(key, rng.randrange(4)), "reason": f"ticket {number}"}
        if rng.random() < 0.4:
            tier = rng.choice(["gold", "silver"])
            price = {**PRICE, "tags": {"tier": tier}, "per_million": {"input": str(rng.randrange(9))}}
            said = await what_it_does(ledger, "PUT", f"/admin/prices/{tier}", price, **query)
        else:
            tags = {"tier": rng.choice(["gold", "silver", None]), "customer_id": rng.choice(["acme", "globex"])}
            said = await what_it_does(ledger, "PATCH", f"/admin/api-keys/{key['public_id']}", {"tags": tags}, **query)
        await assert_nothing_is_left_out(ledger, said)
        await assert_late_lines_are_as_said(ledger, said)


async def test_an_edit_of_now_has_an_answer_and_its_own_refusals_stay(ledger: Ledger) -> None:
    key = await used(ledger, "gold", 1)
    path = f"/admin/api-keys/{key['public_id']}"
    await ledger.apply()
    said = await answered(ledger, "PATCH", path, {"tags": {"customer_id": "globex"}}, what_if="true")
    assert (said["group_by"], said["lines"], len(said["events"])) == (["customer_id"], [], 1)
    head = await ledger.api.head()

    async def refused(body: Any, **params: Any) -> tuple[int, str]:
        answer = await ledger.api.call("PATCH", path, params={"what_if": "true", **params}, json=body)
        errors = answer.json().get("errors") or [{"field": ""}]
        return answer.status_code, errors[0]["field"]

    tags = {"tags": {"tier": "silver"}}
    assert await refused(tags, effective_at=after(key, 0)) == (422, "reason")
    assert await refused({**tags, "description": "x"}) == (422, "what_if")
    assert await refused(tags, group_by="custmer_id") == (422, "group_by")
    assert await refused(tags, what_if="false", group_by="tier") == (422, "group_by")
    by_writer = await ledger.api.call("PATCH", path, by="writer", params={"what_if": "true"}, json=tags)
    assert (by_writer.status_code, "billing:read" in by_writer.json()["detail"]) == (403, True)
    await answered(ledger, "DELETE", path, None)
    assert (await refused(tags))[0] == 409
    assert await ledger.api.head() == head + 1
