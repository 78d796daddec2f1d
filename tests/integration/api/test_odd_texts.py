"""Odd texts in every field: kept and given back to the letter, or refused by that field; nothing else happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.api.service import Api, assert_problem
from tests.support.odd_texts import REFUSED, TAKEN, may_be_a_name

KEYS = "/admin/api-keys"
# Texts that may be what no tag may be.
FREE = ("description", "organization", "workspace")


async def together(tasks: list[Any]) -> list[Any]:
    """The answers of requests that run at once, a few at a time."""
    few = asyncio.Semaphore(20)

    async def one(task: Any) -> Any:
        async with few:
            return await task

    return await asyncio.gather(*(one(task) for task in tasks))


@pytest.mark.parametrize("step", [2, pytest.param(1, marks=pytest.mark.long)], ids=["every second", "all"])
async def test_a_taken_text_is_shown_found_and_recorded_to_the_letter(api: Api, step: int) -> None:
    async def life(text: str) -> None:
        tags = {"odd": text, **({text: text} if may_be_a_name(text) else {})}
        fields = {"description": text, "organization": text, "workspace": text}
        key = await api.make_key(tags=tags, **fields)
        path = f"{KEYS}/{key['public_id']}"
        assert (key["tags"], *(key[name] for name in FREE)) == (tags, text, text, text)
        found = (await api.call("GET", KEYS, params={"tag": f"odd:{text}"})).json()["items"]
        assert [one["public_id"] for one in found] == [key["public_id"]], text
        if may_be_a_name(text):
            found = (await api.call("GET", KEYS, params={"tag": f"{text}:{text}"})).json()["items"]
            assert [one["public_id"] for one in found] == [key["public_id"]], text
        edited = await api.patch(key["public_id"], {"tags": {"more": text, "odd": None}}, reason=text)
        assert edited.json()["tags"] == {"more": text, **({text: text} if may_be_a_name(text) else {})}, text
        last = (await api.call("GET", f"{path}/history")).json()["items"][-1]
        assert (last["reason"], last["data"]["set"]) == (text, {"more": text})
        state = (await api.call("GET", f"/audit/state/{key['public_id']}")).json()
        assert state["tags"] == edited.json()["tags"], text

    await together([life(text) for text in TAKEN[::step]])


async def test_a_refused_text_is_named_by_its_field_and_appends_nothing(shared_api: Api, keys: dict[str, str]) -> None:
    before = await shared_api.head()
    path = f"{KEYS}/{keys['active']}"
    for text in REFUSED:
        for tags in ({"odd": text}, {text: "odd"}):
            answer = await shared_api.call("POST", KEYS, json={"tags": tags})
            assert_problem(answer, 422)
            assert answer.json()["errors"][0]["field"].startswith("tags"), text
            assert_problem(await shared_api.call("PATCH", path, json={"tags": tags}), 422)
    assert await shared_api.head() == before


@pytest.mark.parametrize("field", FREE)
async def test_a_field_of_text_keeps_a_text_to_the_letter_or_refuses_it(api: Api, field: str) -> None:
    async def tried(text: str) -> bool:
        answer = await api.call("POST", KEYS, json={field: text})
        if answer.status_code == 201:
            assert answer.json()[field] == text
            return True
        assert_problem(answer, 422, field)
        return False

    kept = dict(zip(REFUSED, await together([tried(text) for text in REFUSED]), strict=True))
    # A terminal must not be driven by any of them.
    assert not any(kept[text] for text in ("a\x00b", "\x1b[31m", "a\rb", "\x7f", "\x85"))


@pytest.mark.parametrize("field", ["group_by", "tag", "time_zone", "since", "known_at", "wait_for"])
async def test_an_odd_question_is_answered_or_refused_by_its_field(shared_api: Api, field: str) -> None:
    question = {"since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
    for text in (*TAKEN[::40], *REFUSED):
        answer = await shared_api.call("GET", "/billing/usage", params={**question, field: text})
        if answer.status_code != 200:
            assert answer.status_code == 422, (text, answer.text)
            assert answer.json()["errors"][0]["field"].partition(".")[0] == field, text
