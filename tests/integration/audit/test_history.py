"""GET /audit/history: a life told over HTTP, by any id, with names, in pages that tell the same."""

from __future__ import annotations

from typing import Any

from registry.usage.events import parts_of
from tests.support.api.service import Api, assert_problem
from tests.support.audit.ledger_world import Ledger
from tests.support.ledger.workload import DAYS, JOURNAL


async def lived(api: Api) -> dict[str, Any]:
    """A key that was made, moved in the past, and ended, by two tokens."""
    key = await api.make_key(tags={"customer_id": "acme"}, description="Größe")
    back = {"effective_at": key["created_at"], "reason": "ticket 4711"}
    for by, query in (("writer", {"reason": "moved"}), ("admin", back)):
        body = {"tags": {"customer_id": "globex" if by == "writer" else "initech"}}
        headers = {"Keyledger-On-Behalf-Of": "Ada Lovelace"}
        path = f"/admin/api-keys/{key['public_id']}"
        edited = await api.call("PATCH", path, by=by, json=body, params=query, headers=headers)
        assert edited.status_code == 200, edited.text
    await api.call("DELETE", f"/admin/api-keys/{key['public_id']}")
    return key


async def test_a_life_is_told_with_names_and_every_change(ledger: Ledger) -> None:
    api = ledger.api
    key = await lived(api)
    answer = await ledger.ask(f"/audit/history/{key['public_id']}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["keyledger-position"] == str(await api.head())
    made, moved, corrected, ended = answer.json()["items"]
    assert answer.json()["next_cursor"] is None
    assert [one["type"] for one in (made, moved, corrected, ended)] == [
        "KeyCreated",
        "TagsChanged",
        "TagsChanged",
        "KeyRevoked",
    ]
    assert {"field": "description", "from": None, "to": "Größe", "until": None} in made["changes"]
    assert moved["changes"] == [{"field": "tags.customer_id", "from": "acme", "to": "globex", "until": None}]
    assert (moved["actor"], moved["actor_name"]) == (f"token-{api.token_ids['writer']}", "writer")
    assert (moved["on_behalf_of"], moved["reason"], moved["backdated"]) == ("Ada Lovelace", "moved", False)
    assert corrected["changes"] == [
        {"field": "tags.customer_id", "from": "acme", "to": "initech", "until": moved["effective_at"]}
    ]
    assert (corrected["backdated"], corrected["effective_at"]) == (True, key["created_at"])
    assert ended["changes"] == [{"field": "status", "from": "active", "to": "revoked", "until": None}]
    assert "api_key" not in answer.text
    assert key["api_key"].rpartition("-")[2] not in answer.text


async def test_pages_together_tell_what_one_page_tells(ledger: Ledger) -> None:
    key = await lived(ledger.api)
    path = f"/audit/history/{key['public_id']}"
    whole = (await ledger.get(path))["items"]
    found, query = [], {"limit": "1"}
    while True:
        page = await ledger.get(path, **query)
        found += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == whole
    assert len(found) == 4


async def test_an_admin_token_has_a_life_and_keeps_its_secret(ledger: Ledger) -> None:
    api = ledger.api
    answer = await ledger.ask(f"/audit/history/token-{api.token_ids['revoked']}")
    made, ended = answer.json()["items"]
    assert {"field": "name", "from": None, "to": "revoked", "until": None} in made["changes"]
    assert (made["actor"], made["actor_name"]) == ("operator", None)
    assert ended["changes"] == [{"field": "status", "from": "active", "to": "revoked", "until": None}]
    for word in ("commitment", api.tokens["revoked"][-48:]):
        assert word not in answer.text


async def test_usage_has_a_history_and_the_registry_itself_is_its_actor(ledger: Ledger) -> None:
    anchors = ledger.api.services.registry.usage
    for batch in (1, 2):
        await anchors.anchor_usage("tensorzero", parts_of(JOURNAL, batch, DAYS))
    first, second = (await ledger.get("/audit/history/usage-tensorzero"))["items"]
    assert (first["type"], first["actor"], first["actor_name"]) == ("UsageAnchored", "system", None)
    assert {"field": "batch", "from": "1", "to": "2", "until": None} in second["changes"]
    assert len([one for one in first["changes"] if one["field"].startswith("days.")]) == len(DAYS)
    assert_problem(await ledger.ask("/audit/history/usage-nothing"), 404)


async def test_what_nobody_has_is_not_found(ledger: Ledger) -> None:
    for unknown in ("AAAAAAAAAAAA", "token-AAAAAAAAAAAA", "token-", "token-key-AAAAAAAAAAAA", "key-AAAAAAAAAAAA"):
        assert_problem(await ledger.ask(f"/audit/history/{unknown}"), 404)
