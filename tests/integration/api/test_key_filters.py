"""Lists of keys by every filter: what passes is what a plain look at each key gives, page by page, while keys come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from keyledger.http.request.query_params import ListQuery
from registry.keys.filters import KeyFilters
from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"
Key = Mapping[str, Any]
ORGANIZATIONS, WORKSPACES = ("default", "eu", "Straße 7"), ("default", "team a")
DESCRIPTIONS = (None, "Production", "STRASSE", "straße", "100%_off\\", "Ünïcode 🗝", "İstanbul")


async def made(api: Api, rng: Random, count: int) -> list[Key]:
    """Keys of all kinds, as the API shows them; the newest first."""
    for number in range(count):
        body: dict[str, Any] = {"tags": {}, "organization": rng.choice(ORGANIZATIONS)}
        body["workspace"] = rng.choice(WORKSPACES)
        body["description"] = rng.choice(DESCRIPTIONS)
        for name in ("customer_id", "project_id", "Größe"):
            if rng.random() < 0.6:
                body["tags"][name] = rng.choice(("acme", "Globex", "ẞ", "a:b"))
        if rng.random() < 0.4:
            body["expiration"] = f"2099-0{rng.randint(1, 9)}-01T00:00:00Z"
        key = f"{KEYS}/{(await api.make_key(**body))['public_id']}"
        if number % 4 == 0:
            await api.call("POST", f"{key}/suspend")
        if number % 5 == 0:
            await api.call("POST", f"{key}/rotate", json={"overlap_s": 0})
        if number % 7 == 0:
            await api.call("DELETE", key)
    return await listed(api)


async def listed(api: Api, **filters: Any) -> list[Key]:
    """All pages of a list, and each page's `total` where it was asked for."""
    items: list[Key] = []
    cursor = None
    while True:
        query = {**filters, **({} if cursor is None else {"cursor": cursor})}
        answer = await api.call("GET", KEYS, params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert ("total" in page) is ("count" in filters)
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


def texts(key: Key) -> list[str]:
    """What a search looks through."""
    ids = [credential["credential_id"] for credential in key["credentials"]]
    return [*ids, key["description"] or "", *key["tags"].values()]


def passes(filters: Mapping[str, Any]) -> Callable[[Key], bool]:
    """The filters, read plainly."""

    def check(key: Key) -> bool:
        tags = [pair.partition(":") for pair in filters.get("tag", ())]
        status = filters.get("status", ())
        spans: Sequence[tuple[str | None, str, str]] = (
            (key["created_at"], "created_since", "created_until"),
            (key["expiration"], "expires_since", "expires_until"),
        )
        return (
            all(key["tags"].get(name) == value for name, _, value in tags)
            and all(name in key["tags"] for name in filters.get("has_tag", ()))
            and not any(name in key["tags"] for name in filters.get("lacks_tag", ()))
            and (not status or key["status"] in status)
            and all(filters.get(name) in {None, key[name]} for name in ("organization", "workspace"))
            and any(filters.get("q", "").casefold() in text.casefold() for text in texts(key))
            and all(since not in filters or (at is not None and at >= filters[since]) for at, since, _ in spans)
            and all(until not in filters or (at is not None and at < filters[until]) for at, _, until in spans)
        )

    return check


def drawn(rng: Random, keys: Sequence[Key]) -> dict[str, Any]:
    """Some filters, such as may pass."""
    one = rng.choice(keys)
    every: dict[str, Any] = {
        "tag": [f"{name}:{value}" for name, value in one["tags"].items()][: rng.randint(1, 3)],
        "has_tag": rng.sample(("customer_id", "project_id", "Größe"), rng.randint(1, 2)),
        "lacks_tag": rng.sample(("customer_id", "project_id", "never"), rng.randint(1, 2)),
        "status": rng.sample(("active", "suspended", "revoked", "expired"), rng.randint(1, 3)),
        "organization": one["organization"],
        "workspace": one["workspace"],
        "q": rng.choice([*(text for text in texts(one) if text), "strasse", "PROD", "%", "_", "\\", "🗝", "nobody"]),
        "created_since": one["created_at"],
        "created_until": rng.choice(keys)["created_at"],
        "expires_since": "2099-03-01T00:00:00.000Z",
        "expires_until": "2099-07-01T00:00:00.000Z",
    }
    names = rng.sample(sorted(every), rng.randint(1, 4))
    filters = {name: every[name] for name in names if every[name]}
    if filters.get("created_since", "") >= filters.get("created_until", "z"):
        del filters["created_until"]
    return filters


async def test_each_filter_and_any_together_pass_what_a_plain_look_passes(api: Api) -> None:
    rng = Random(16)
    keys = await made(api, rng, 40)
    assert {key["status"] for key in keys} == {"active", "suspended", "revoked"}
    passed = 0
    states = await api.services.registry.queries.keys(KeyFilters(), limit=1000)
    for _ in range(120):
        filters = drawn(rng, keys)
        expected = [key["public_id"] for key in keys if passes(filters)(key)]
        found = [key["public_id"] for key in await listed(api, **filters, limit=rng.choice((1, 3, 100)))]
        assert found == expected, filters
        answer = await api.call("GET", KEYS, params={**filters, "count": "true", "limit": 1})
        assert answer.json()["total"] == len(expected), filters
        plain = ListQuery.model_validate(filters).filters()
        assert plain is not None
        assert [one.public_id for one in states.items if plain.match(one, states.seen.now)] == expected, filters
        passed += bool(expected)
    assert passed > 40, "filters that nothing passes show little"


async def test_an_edit_is_found_by_what_it_made(api: Api) -> None:
    key = await api.make_key(tags={"customer_id": "acme"}, description="old")
    await api.patch(key["public_id"], {"tags": {"customer_id": None, "owner": "Zoë"}, "description": "new"})
    rotated = (await api.call("POST", f"{KEYS}/{key['public_id']}/rotate", json={"overlap_s": 0})).json()
    second = rotated["credentials"][1]["credential_id"]
    for found in ({"q": "NEW"}, {"q": "zOË"}, {"has_tag": "owner"}, {"q": second.swapcase()}, {"tag": "owner:Zoë"}):
        assert [one["public_id"] for one in await listed(api, **found)] == [key["public_id"]], found
    for gone in ({"q": "old"}, {"q": "acme"}, {"has_tag": "customer_id"}, {"lacks_tag": "owner"}):
        assert await listed(api, **gone) == [], gone


async def test_pages_stay_as_they_are_while_keys_come_and_change(api: Api) -> None:
    ids = [(await api.make_key(tags={"n": str(number)}))["public_id"] for number in range(7)][::-1]
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = (await api.call("GET", KEYS, params={"has_tag": "n", "limit": 2, **cursor})).json()
        seen += [key["public_id"] for key in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        await api.make_key(tags={"n": "later"})
        await api.patch(seen[0], {"description": str(len(seen))})
    assert seen == ids
    assert page["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"has_tag": "a:b"}, "has_tag"),
        ({"has_tag": ""}, "has_tag"),
        ({"lacks_tag": "keyledger.x"}, "lacks_tag"),
        ({"lacks_tag": ["x"] * 65}, "lacks_tag"),
        ({"status": ["active", "gone"]}, "status"),
        ({"organization": ""}, "organization"),
        ({"workspace": "x" * 300}, "workspace"),
        ({"q": ""}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"q": "a\0"}, "q"),
        ({"created_since": "2026-03-01"}, "created_since"),
        ({"expires_until": "soon"}, "expires_until"),
        ({"created_since": "2026-03-01T00:00:00Z", "created_until": "2026-03-01T00:00:00Z"}, "created_until"),
        ({"expires_since": "2026-03-02T00:00:00Z", "expires_until": "2026-03-01T00:00:00Z"}, "expires_until"),
        ({"count": "maybe"}, "count"),
        ({"organization": ["a", "b"]}, "organization"),
    ],
)
async def test_a_filter_that_is_none_is_refused_by_its_field(shared_api: Api, query: Any, field: str) -> None:
    answer = await shared_api.call("GET", KEYS, params=query)
    assert_problem(answer, 422)
    assert {error["field"].split(".")[0] for error in answer.json()["errors"]} == {field}
