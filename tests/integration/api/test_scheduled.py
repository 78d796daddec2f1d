"""Changes of tags that are scheduled: listed, cancelled, and in effect by themselves at their millisecond."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from audit.verify.state import check_page
from registry.db.connection import begun, fetch
from registry.instant import cut_ms, format_ms
from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"
# Long enough for some calls before it, on a machine that has much else to do.
SHORT = 2.5


def soon(seconds: float) -> datetime:
    """So many seconds from now."""
    return cut_ms(datetime.now(UTC) + timedelta(seconds=seconds))


async def scheduled(api: Api, public_id: str, at: datetime, **tags: str | None) -> dict[str, Any]:
    """The key after a change was scheduled."""
    answer = await api.patch(public_id, {"tags": tags}, effective_at=format_ms(at), reason="a move")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def until(at: datetime) -> None:
    """Wait for an instant by this process's clock, which is the database's here."""
    await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()) + 0.002)


async def ids(api: Api, **filters: Any) -> list[str]:
    """The keys of a list."""
    return [one["public_id"] for one in (await api.call("GET", KEYS, params=filters)).json()["items"]]


async def test_a_change_is_listed_and_in_effect_by_itself(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme", "env": "prod"})
    at = soon(SHORT)
    key = await scheduled(api, made["public_id"], at, customer_id="globex", env=None)
    assert key["tags"] == {"customer_id": "acme", "env": "prod"}
    assert key["scheduled"] == [
        {"position": key["position"], "effective_at": format_ms(at), "set": {"customer_id": "globex"},
         "remove": ["env"], "reason": "a move"}
    ]  # fmt: skip
    path = f"{KEYS}/{made['public_id']}"
    assert (await api.call("GET", path)).json() == key
    assert (await api.patch(made["public_id"], {"tags": {"env": "test", "team": "a"}})).json()["tags"]["env"] == "test"
    assert datetime.now(UTC) < at, "this machine was too slow for the test"
    assert await ids(api, tag="customer_id:acme") == [made["public_id"]]
    assert await ids(api, tag="customer_id:globex") == []
    await until(at)
    assert await ids(api, tag="customer_id:acme") == []
    assert await ids(api, tag="customer_id:globex", q="GLOBEX", lacks_tag="env", count=True) == [made["public_id"]]
    after = (await api.call("GET", path)).json()
    assert (after["tags"], after["scheduled"]) == ({"customer_id": "globex", "team": "a"}, [])
    just_before = (await api.call("GET", path, params={"at": format_ms(at - timedelta(milliseconds=1))})).json()
    assert just_before["tags"] == {"customer_id": "acme", "env": "test", "team": "a"}
    assert [one["set"] for one in just_before["scheduled"]] == [{"customer_id": "globex"}]
    then = (await api.call("GET", path, params={"at": format_ms(at)})).json()
    assert (then["tags"], then["scheduled"]) == (after["tags"], [])


async def test_a_cancelled_change_never_comes_and_a_repeat_answers_the_same(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    at = soon(SHORT)
    key = await scheduled(api, made["public_id"], at, customer_id="globex")
    path = f"{KEYS}/{made['public_id']}"
    known_at = key["position"]
    cancelled = await api.call("DELETE", f"{path}/scheduled/{known_at}", params={"reason": "not yet"})
    assert cancelled.status_code == 200, cancelled.text
    assert (cancelled.json()["scheduled"], cancelled.json()["version"]) == ([], 3)
    assert (await api.call("DELETE", f"{path}/scheduled/{known_at}")).json() == cancelled.json()
    await until(at)
    assert (await api.call("GET", path)).json()["tags"] == {"customer_id": "acme"}
    assert await ids(api, tag="customer_id:globex") == []
    as_known = (await api.call("GET", path, params={"known_at": known_at})).json()
    assert as_known["tags"] == {"customer_id": "globex"}, "as known before the cancellation"
    history = (await api.call("GET", f"{path}/history")).json()["items"]
    assert [(one["type"], one["reason"]) for one in history[1:]] == [
        ("TagsChanged", "a move"), ("ScheduledChangeCancelled", "not yet")
    ]  # fmt: skip
    assert history[2]["data"] == {"scheduled_position": known_at}


async def test_what_is_in_effect_or_not_there_is_not_cancelled(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    at = soon(SHORT)
    key = await scheduled(api, made["public_id"], at, customer_id="globex")
    path = f"{KEYS}/{made['public_id']}/scheduled"
    await until(at)
    late = await api.call("DELETE", f"{path}/{key['position']}")
    assert_problem(late, 409)
    assert format_ms(at) in late.json()["detail"]
    assert_problem(await api.call("DELETE", f"{path}/1"), 404)
    assert_problem(await api.call("DELETE", f"{path}/nothing"), 422)
    assert_problem(await api.call("DELETE", f"{path}/{key['position']}", by="reader"), 403)
    assert_problem(await api.call("DELETE", f"{path}/{key['position']}", headers={"If-Match": '"1"'}), 412)


async def test_a_writer_may_schedule_and_needs_no_reason(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    at = format_ms(soon(3600))
    ahead = await api.patch(made["public_id"], {"tags": {"customer_id": "b"}}, by="writer", effective_at=at)
    assert ahead.status_code == 200, ahead.text
    assert ahead.json()["scheduled"][0]["reason"] is None
    far = await api.patch(made["public_id"], {"tags": {"customer_id": "b"}}, effective_at="2200-01-01T00:00:00Z")
    assert_problem(far, 422)
    assert far.json()["errors"][0]["field"] == "effective_at"
    assert "366 days" in far.json()["errors"][0]["message"]


async def test_a_change_of_a_key_that_ended_meanwhile_leaves_lists_and_bills_in_peace(api: Api) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    at = soon(SHORT)
    await scheduled(api, made["public_id"], at, customer_id="globex")
    assert (await api.call("DELETE", f"{KEYS}/{made['public_id']}")).status_code == 200
    await until(at)
    assert await ids(api, tag="customer_id:globex", status="revoked") == [made["public_id"]]


async def test_many_that_fall_due_at_once_are_found_by_the_first_list(api: Api) -> None:
    made = [await api.make_key(tags={"customer_id": "acme"}) for _ in range(8)]
    at = soon(2 * SHORT)
    for key in made:
        await scheduled(api, key["public_id"], at, customer_id="globex")
    await until(at)
    lists = await asyncio.gather(*(ids(api, tag="customer_id:globex") for _ in range(6)))
    newest_first = [key["public_id"] for key in reversed(made)]
    assert lists == [newest_first] * 6
    (row,) = await fetch(api.services.registry.engine, "SELECT count(tags_due_at) FROM keyledger.key_state")
    assert row["count"] == 0


@pytest.mark.parametrize("listed", [False, True])
async def test_an_audit_finds_nothing_wrong_with_a_change_that_waits_or_is_due(api: Api, listed: bool) -> None:
    made = await api.make_key(tags={"customer_id": "acme"})
    at = soon(SHORT)
    await scheduled(api, made["public_id"], at, customer_id="globex")
    await scheduled(api, made["public_id"], soon(3600), customer_id="later")
    engine = api.services.registry.engine
    assert not (await check_page(engine, "")).findings
    await until(at)
    if listed:
        assert await ids(api, tag="customer_id:globex") == [made["public_id"]]
    assert not (await check_page(engine, "")).findings
    async with begun(engine) as connection:
        await connection.execute(text("UPDATE keyledger.key_state SET tags_due_at = NULL"))
    assert [one.where for one in (await check_page(engine, "")).findings] == ["key_state"]
