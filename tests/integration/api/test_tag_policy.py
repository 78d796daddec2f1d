"""The tag policy over HTTP: what it refuses of creations and edits of each kind, and what it leaves alone."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.instant import format_ms
from registry.policy.events import POLICY_STREAM
from tests.support.api.service import Api, assert_problem

KEYS, POLICY = "/admin/api-keys", "/admin/tag-policy"
RULES: dict[str, Any] = {
    "customer_id": {"required": True, "pattern": "[a-z]+"},
    "tier": {"values": ["gold", "silver"], "description": "what was sold"},
}
GOOD = {"customer_id": "acme", "tier": "gold"}


async def put(api: Api, status: int = 200, *, headers: Any = None, query: Any = None, **body: Any) -> dict[str, Any]:
    """The answer to a policy that is set."""
    answer = await api.call("PUT", POLICY, json=body, params=query, headers=headers or {})
    assert answer.status_code == status, answer.text
    if status != 200:
        assert_problem(answer, status)
    said: dict[str, Any] = answer.json()
    return said


async def refused(api: Api, method: str, path: str, body: Any, **query: str) -> dict[str, str]:
    """What a request is refused for, by field; nothing is written."""
    before = await api.head()
    answer = await api.call(method, path, json=body, params=query)
    assert_problem(answer, 422)
    assert await api.head() == before
    return {one["field"]: one["message"] for one in answer.json()["errors"]}


async def test_there_is_none_at_first_and_each_version_is_an_event(api: Api) -> None:
    none = await api.call("GET", POLICY)
    assert none.json() == {"tags": {}, "closed": False, "set_at": None, "position": 0, "version": 0}
    assert none.headers["etag"] == '"0"'
    made = await put(api, tags=RULES, closed=True, query={"reason": "each key is billed"})
    whole = {"required": False, "values": None, "pattern": None, "description": None}
    assert made["tags"] == {name: {**whole, **rule} for name, rule in RULES.items()}
    assert (made["closed"], made["version"], made["position"]) == (True, 1, await api.head())
    shown = await api.call("GET", POLICY)
    assert (shown.json(), shown.headers["etag"]) == (made, '"1"')
    assert await put(api, tags=RULES, closed=True) == made, "what says the same is not recorded"
    assert await put(api, tags={}) != made
    events = await api.services.registry.log.read_stream(POLICY_STREAM)
    assert [(one.version, one.reason) for one in events] == [(1, "each key is billed"), (2, None)]
    history = await api.call("GET", f"/audit/history/{POLICY_STREAM}")
    assert [entry["type"] for entry in history.json()["items"]] == ["TagPolicySet"] * 2


async def test_a_creation_is_held_to_all_of_it(api: Api) -> None:
    await put(api, tags=RULES, closed=True)
    faults = await refused(api, "POST", KEYS, {"tags": {"tier": "bronze", "other": "x"}})
    assert faults == {
        "tags.tier": "the tag policy allows gold, silver",
        "tags.other": "the tag policy allows only customer_id, tier",
        "tags.customer_id": "the tag policy requires it",
    }
    assert (await api.make_key(tags=GOOD))["tags"] == GOOD
    items = {"items": [{"tags": GOOD}, {"tags": {"customer_id": "ACME"}}]}
    faults = await refused(api, "POST", f"{KEYS}/bulk-create", items)
    assert faults == {"items.1.tags.customer_id": "the tag policy allows what matches [a-z]+"}


async def test_an_edit_is_held_to_it_by_what_it_changes(api: Api) -> None:
    old = await api.make_key(tags={"tier": "bronze", "other": "x"})
    path = f"{KEYS}/{old['public_id']}"
    await put(api, tags=RULES, closed=True)
    assert (await api.call("PATCH", path, json={"description": "old", "tags": {"tier": "bronze"}})).status_code == 200
    assert await refused(api, "PATCH", path, {"tags": {"tier": "iron"}}) == {
        "tags.tier": "the tag policy allows gold, silver"
    }
    assert (await refused(api, "PATCH", path, {"tags": {"new": "x"}})).keys() == {"tags.new"}
    # One at a time: it still has what is not allowed.
    put_right = await api.call("PATCH", path, json={"tags": {"customer_id": "acme"}})
    assert put_right.json()["tags"] == {"tier": "bronze", "other": "x", "customer_id": "acme"}
    assert await refused(api, "PATCH", path, {"tags": {"customer_id": None}}) == {
        "tags.customer_id": "the tag policy requires it: give it another value"
    }
    removed = await api.call("PATCH", path, json={"tags": {"other": None, "tier": None}})
    assert removed.json()["tags"] == {"customer_id": "acme"}
    for action in ("suspend", "resume"):
        assert (await api.call("POST", f"{path}/{action}")).status_code == 200


async def test_scheduled_backdated_and_bulk_edits_are_held_to_it_too(api: Api) -> None:
    key = await api.make_key(tags=GOOD)
    path, body = f"{KEYS}/{key['public_id']}", {"tags": {"tier": "iron"}}
    await put(api, tags=RULES)
    later = format_ms(datetime.now(UTC) + timedelta(days=1))
    assert (await refused(api, "PATCH", path, body, effective_at=later)).keys() == {"tags.tier"}
    past = {"effective_at": key["created_at"], "reason": "it was so"}
    assert (await refused(api, "PATCH", path, body, **past)).keys() == {"tags.tier"}
    bulk = {"select": {"tags": {"customer_id": "acme"}}, "patch": body}
    for dry in ({}, {"dry_run": True}):
        (fault,) = (await refused(api, "POST", f"{KEYS}/bulk-edit", {**bulk, **dry})).items()
        assert fault[0] == "tags.tier"
        assert key["public_id"] in fault[1]
    what_if = await api.call("PATCH", path, json=body, params={"what_if": "true"})
    assert_problem(what_if, 422)
    revoked = await api.call("POST", f"{KEYS}/bulk-edit", json={"select": bulk["select"], "action": "revoke"})
    assert revoked.json()["changed"] == 1


async def test_a_dry_run_lists_the_keys_that_break_it_and_changes_nothing(api: Api) -> None:
    good, missing = await api.make_key(tags=GOOD), await api.make_key(tags={"tier": "gold"})
    wrong, gone = await api.make_key(tags={**GOOD, "tier": "iron"}), await api.make_key()
    await api.call("DELETE", f"{KEYS}/{gone['public_id']}")
    later = format_ms(datetime.now(UTC) + timedelta(days=1))
    scheduled = await api.call(
        "PATCH", f"{KEYS}/{good['public_id']}", json={"tags": {"tier": "iron"}}, params={"effective_at": later}
    )
    before = await api.head()
    report = await put(api, tags=RULES, query={"dry_run": "true"})
    assert await api.head() == before == report["position"]
    assert (report["checked"], report["breaking"]) == (3, 3)
    iron = "the tag policy allows gold, silver"
    by_id = {one["public_id"]: one["breaches"] for one in report["items"]}
    assert list(by_id) == sorted(by_id)
    assert by_id == {
        good["public_id"]: [
            {"field": "tags.tier", "message": iron, "scheduled_position": scheduled.json()["position"]}
        ],
        missing["public_id"]: [
            {"field": "tags.customer_id", "message": "the tag policy requires it", "scheduled_position": None}
        ],
        wrong["public_id"]: [{"field": "tags.tier", "message": iron, "scheduled_position": None}],
    }
    assert (await api.call("GET", POLICY)).json()["version"] == 0


async def test_of_two_who_set_it_the_second_is_told_by_if_match(api: Api) -> None:
    await put(api, tags=RULES, headers={"If-Match": '"0"'})
    await put(api, 412, tags={}, headers={"If-Match": '"0"'})
    assert (await put(api, tags={}, headers={"If-Match": '"1"'}))["version"] == 2


async def test_no_key_gets_past_a_policy_that_is_set_meanwhile(api: Api) -> None:
    """Whatever is written after its event keeps it."""

    async def create() -> None:
        for _ in range(15):
            await api.call("POST", KEYS, json={"tags": {"tier": "iron"}})

    async def swing() -> None:
        for number in range(10):
            await put(api, tags=RULES if number % 2 == 0 else {})

    await asyncio.gather(create(), create(), swing())
    policy: dict[str, Any] = {}
    made = 0
    for event in await api.services.registry.log.read(0, 1000):
        if event.type == "TagPolicySet":
            policy = json.loads(event.payload)["tags"]
        elif event.type == "KeyCreated":
            made += 1
            assert policy == {}, event.position
    assert made > 0


async def test_another_process_knows_it_at_once(api: Api, other_api: Api) -> None:
    await other_api.make_key(tags={"tier": "iron"})
    await put(api, tags=RULES)
    faults = await refused(other_api, "POST", KEYS, {"tags": {"tier": "iron"}})
    assert faults.keys() == {"tags.tier", "tags.customer_id"}
    await put(other_api, tags={})
    await api.make_key(tags={"tier": "iron"})


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tags": []},
        {"tags": {"a": None}},
        {"tags": {"a": {"required": "yes"}}},
        {"tags": {"a": {"values": "x"}}},
        {"tags": {"a": {"values": [1]}}},
        {"tags": {"a": {"requried": True}}},
        {"tags": {"month": {}}},
        {"tags": {"a": {"pattern": "("}}},
        {"tags": {}, "closed": 1},
        {"tags": {}, "open": True},
    ],
)
async def test_a_body_that_is_none_is_refused(shared_api: Api, body: Any) -> None:
    assert (await put(shared_api, 422, **body))["errors"]
    assert (await put(shared_api, 422, **body, query={"dry_run": "true"}))["errors"]
