"""Many keys at once: made and changed all or none, while others change the same ones."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from registry.instant import cut_ms, format_ms
from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"
CREATE, EDIT = f"{KEYS}/bulk-create", f"{KEYS}/bulk-edit"
ACME = {"tags": {"customer_id": "acme"}}
TO_GLOBEX = {"tags": {"customer_id": "globex"}}


async def made(api: Api, count: int, **tags: str) -> list[dict[str, Any]]:
    """So many keys of one customer."""
    items = [{"tags": {"customer_id": "acme", "n": str(number), **tags}} for number in range(count)]
    answer = await api.call("POST", CREATE, json={"items": items})
    assert answer.status_code == 201, answer.text
    keys: list[dict[str, Any]] = answer.json()["items"]
    return keys


async def edit(api: Api, status: int = 200, *, by: str = "admin", **body: Any) -> dict[str, Any]:
    """The answer to a bulk edit."""
    answer = await api.call("POST", EDIT, by=by, json=body)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert_problem(answer, status)
    said: dict[str, Any] = answer.json()
    return said


async def ids(api: Api, **filters: Any) -> list[str]:
    """The keys of a list."""
    return [
        one["public_id"] for one in (await api.call("GET", KEYS, params={"limit": 1000, **filters})).json()["items"]
    ]


async def test_keys_are_made_in_their_order_and_each_secret_works(api: Api) -> None:
    before = await api.head()
    answer = await api.call("POST", CREATE, json={"items": [{"tags": {"n": str(n)}} for n in range(50)]})
    body = answer.json()
    assert (answer.status_code, body["position"], await api.head()) == (201, before + 50, before + 50)
    assert answer.headers["keyledger-position"] == str(body["position"])
    assert [one["tags"]["n"] for one in body["items"]] == [str(n) for n in range(50)]
    assert [one["position"] for one in body["items"]] == list(range(before + 1, before + 51))
    for one in body["items"][::10]:
        verified = await api.call("POST", "/verify", json={"api_key": one["api_key"]})
        assert verified.json()["public_id"] == one["public_id"]
    assert await ids(api) == [one["public_id"] for one in reversed(body["items"])]


async def test_one_wrong_item_makes_none(api: Api) -> None:
    before = await api.head()
    wrong = [{}, {"tags": {"model": "x"}}, {"expiration": "2020-01-01T00:00:00Z"}]
    answer = await api.call("POST", CREATE, json={"items": wrong})
    assert_problem(answer, 422)
    assert [one["field"] for one in answer.json()["errors"]] == ["items.1.tags.model"]
    ended = await api.call("POST", CREATE, json={"items": [wrong[0], wrong[2]]})
    assert [one["field"] for one in ended.json()["errors"]] == ["items.1.expiration"]
    for count in (0, 1001):
        assert_problem(await api.call("POST", CREATE, json={"items": [{}] * count}), 422)
    assert await api.head() == before


async def test_an_edit_is_of_all_that_match_and_shows_each_before_and_after(api: Api) -> None:
    keys = await made(api, 5)
    await api.call("DELETE", f"{KEYS}/{keys[0]['public_id']}")
    other = await api.make_key(tags={"customer_id": "initech"})
    before = await api.head()
    said = await edit(api, select={**ACME, "status": "active"}, patch=TO_GLOBEX, reason="sold", expected_count=4)
    assert (said["matched"], said["changed"], said["position"]) == (4, 4, before + 4)
    assert [one["public_id"] for one in said["items"]] == [one["public_id"] for one in reversed(keys[1:])]
    for one in said["items"]:
        assert (one["before"]["tags"]["customer_id"], one["after"]["tags"]["customer_id"]) == ("acme", "globex")
        assert (one["before"]["version"], one["after"]["version"]) == (1, 2)
        assert (await api.call("GET", f"{KEYS}/{one['public_id']}")).json() == one["after"]
    history = (await api.call("GET", f"{KEYS}/{keys[1]['public_id']}/history")).json()["items"]
    assert history[-1]["reason"] == "sold"
    again = await edit(api, select=TO_GLOBEX, patch=TO_GLOBEX)
    assert (again["matched"], again["changed"], await api.head()) == (4, 0, before + 4)
    assert (await api.call("GET", f"{KEYS}/{other['public_id']}")).json()["version"] == 1


async def test_a_dry_run_says_the_same_and_changes_nothing(api: Api) -> None:
    await made(api, 3)
    before = await api.head()
    dry = await edit(api, select=ACME, patch=TO_GLOBEX, dry_run=True)
    assert (await api.head(), dry["position"]) == (before, before)
    assert await ids(api, tag="customer_id:globex") == []
    done = await edit(api, select=ACME, patch=TO_GLOBEX)
    assert (dry["matched"], dry["changed"]) == (done["matched"], done["changed"]) == (3, 3)
    assert [one["after"]["tags"] for one in dry["items"]] == [one["after"]["tags"] for one in done["items"]]
    assert done["position"] == before + 3


async def test_another_count_than_expected_changes_nothing(api: Api) -> None:
    await made(api, 3)
    before = await api.head()
    said = await edit(api, 409, select=ACME, patch=TO_GLOBEX, expected_count=4)
    assert said["detail"] == "3 keys match, not 4: nothing was changed"
    assert (await edit(api, select={"tags": {"customer_id": "nobody"}}, patch=TO_GLOBEX))["matched"] == 0
    assert await edit(api, 409, select={"tags": {"customer_id": "nobody"}}, patch=TO_GLOBEX, expected_count=1)
    assert await api.head() == before


async def test_a_key_that_refuses_is_named_and_none_is_changed(api: Api) -> None:
    keys = await made(api, 3)
    await api.call("DELETE", f"{KEYS}/{keys[1]['public_id']}")
    before = await api.head()
    said = await edit(api, 409, select=ACME, patch=TO_GLOBEX)
    assert keys[1]["public_id"] in said["detail"]
    assert await api.head() == before
    assert await ids(api, tag="customer_id:globex") == []


@pytest.mark.parametrize(("action", "status"), [("suspend", "suspended"), ("resume", "active"), ("revoke", "revoked")])
async def test_an_action_is_done_with_each(api: Api, action: str, status: str) -> None:
    keys = await made(api, 3)
    await api.call("POST", f"{KEYS}/{keys[0]['public_id']}/suspend")
    said = await edit(api, select=ACME, action=action, reason="unpaid")
    assert {one["after"]["status"] for one in said["items"]} == {status}
    assert said["changed"] == {"suspend": 2, "resume": 1, "revoke": 3}[action]


async def test_what_is_selected_is_what_a_list_finds(api: Api) -> None:
    keys = await made(api, 6, team="a")
    await api.patch(keys[0]["public_id"], {"tags": {"team": None}})
    await api.call("POST", f"{KEYS}/{keys[1]['public_id']}/suspend")
    rotated = (await api.call("POST", f"{KEYS}/{keys[2]['public_id']}/rotate", json={"overlap_s": 0})).json()
    second = rotated["credentials"][1]["credential_id"]
    for select, filters in (
        ({"has_tag": ["team"]}, {"has_tag": "team"}),
        ({"has_tag": "team", "status": ["active"]}, {"has_tag": "team", "status": "active"}),
        ({"lacks_tag": "team"}, {"lacks_tag": "team"}),
        ({"organization": "default", "status": "suspended"}, {"organization": "default", "status": "suspended"}),
        ({"tags": {"customer_id": "acme", "n": "3"}}, {"tag": ["customer_id:acme", "n:3"]}),
    ):
        said = await edit(api, select=select, patch={"description": json.dumps(select)}, dry_run=True)
        assert [one["public_id"] for one in said["items"]] == await ids(api, **filters)
    by_credential = await edit(
        api, select={"public_ids": [second, keys[2]["public_id"]]}, action="suspend", dry_run=True
    )
    assert [one["public_id"] for one in by_credential["items"]] == [keys[2]["public_id"]]
    unknown = await edit(api, 422, select={"public_ids": [second, "AAAAAAAAAAAA"]}, action="suspend")
    assert [one["field"] for one in unknown["errors"]] == ["select.public_ids.1"]


async def test_a_scheduled_and_a_backdated_edit_of_many(api: Api) -> None:
    keys = await made(api, 3)
    at = cut_ms(datetime.now(UTC) + timedelta(hours=1))
    said = await edit(api, by="writer", select=ACME, patch=TO_GLOBEX, effective_at=format_ms(at))
    assert [one["after"]["scheduled"][0]["set"] for one in said["items"]] == [{"customer_id": "globex"}] * 3
    assert {one["after"]["tags"]["customer_id"] for one in said["items"]} == {"acme"}
    back = keys[-1]["created_at"]
    await edit(api, 403, by="writer", select=ACME, patch=TO_GLOBEX, effective_at=back, reason="wrong from the start")
    await edit(api, 422, select=ACME, patch=TO_GLOBEX, effective_at=back)
    done = await edit(api, select=ACME, patch=TO_GLOBEX, effective_at=back, reason="wrong from the start")
    assert done["changed"] == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"select": {}, "action": "revoke"}, "select"),
        ({"select": {"tags": {}}, "action": "revoke"}, "select"),
        ({"select": ACME}, "patch"),
        ({"select": ACME, "action": "revoke", "patch": TO_GLOBEX}, "action"),
        ({"select": ACME, "action": "delete"}, "action"),
        ({"select": ACME, "action": "suspend", "effective_at": "2099-01-01T00:00:00Z"}, "effective_at"),
        ({"select": {"customer_id": "acme"}, "action": "revoke"}, "select.customer_id"),
        ({"select": ACME, "patch": {"tags": {"model": "x"}}}, "patch.tags.model"),
        ({"select": ACME, "patch": TO_GLOBEX, "dry_run": 1}, "dry_run"),
        ({"select": {"public_ids": []}, "action": "revoke"}, "select.public_ids"),
    ],
)
async def test_a_bad_request_names_its_field(api: Api, body: dict[str, Any], field: str) -> None:
    before = await api.head()
    said = await edit(api, 422, **body)
    assert field in [one["field"] for one in said["errors"]], said
    assert await api.head() == before


async def test_a_reader_may_not(api: Api) -> None:
    await edit(api, 403, by="reader", select=ACME, action="revoke")
    assert_problem(await api.call("POST", CREATE, by="reader", json={"items": [{}]}), 403)


async def test_a_repeat_has_the_first_answer_with_every_secret(api: Api) -> None:
    headers = {"Idempotency-Key": "bulk-1"}
    body = {"items": [{"tags": {"n": str(n)}} for n in range(20)]}
    first = await api.call("POST", CREATE, json=body, headers=headers)
    head = await api.head()
    second = await api.call("POST", CREATE, json=body, headers=headers)
    assert (second.status_code, second.json(), await api.head()) == (201, first.json(), head)
    assert second.headers["idempotency-replayed"] == "true"
    move = {"select": {"has_tag": "n"}, "patch": TO_GLOBEX}
    moved = await api.call("POST", EDIT, json=move, headers={"Idempotency-Key": "bulk-2"})
    assert moved.json()["changed"] == 20
    again = await api.call("POST", EDIT, json=move, headers={"Idempotency-Key": "bulk-2"})
    assert (again.json(), await api.head()) == (moved.json(), head + 20)


@pytest.mark.timeout(300)
async def test_a_thousand_keys_move_at_once_beside_single_edits(api: Api) -> None:
    """No single edit comes in the middle: at every position all of them are of one customer, or of the other."""
    keys = [one["public_id"] for one in await made(api, 1000)]
    begun = await api.head()

    async def single(number: int) -> None:
        for round_ in range(4):
            answer = await api.patch(keys[number * 7], {"tags": {"note": str(round_)}})
            assert answer.status_code == 200, answer.text
            await asyncio.sleep(0.05)

    async def move(to: str) -> Any:
        body = {"select": {"has_tag": "n"}, "patch": {"tags": {"customer_id": to}}}
        return await api.call("POST", EDIT, json=body)

    singles = asyncio.gather(*(single(number) for number in range(20)))
    for answer in await asyncio.gather(move("globex"), move("initech")):
        assert (answer.status_code, answer.json()["matched"], answer.json()["changed"]) == (200, 1000, 1000)
        assert len(answer.json()["items"]) == 1000
    await singles
    events = await api.services.registry.log.read(begun, 3000)
    assert len(events) == 2080
    moved = [event.position for event in events if b"customer_id" in event.payload]
    assert moved[:1000] == list(range(moved[0], moved[0] + 1000)), "one change"
    assert moved[1000:] == list(range(moved[1000], moved[1000] + 1000))
    for number in range(20):
        notes = [json.loads(e.payload)["set"].get("note") for e in events if e.stream == f"key-{keys[number * 7]}"]
        assert [one for one in notes if one is not None] == ["0", "1", "2", "3"]
