"""ETag, If-Match and If-None-Match: nobody overwrites what another admin did meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.support.api.service import Api, assert_problem

KEYS = "/admin/api-keys"


def version_of(answer: httpx.Response) -> int:
    """The version of the key that an answer shows, by header and body alike."""
    version: int = answer.json()["version"]
    assert answer.headers["etag"] == f'"{version}"'
    return version


async def test_every_answer_that_shows_one_key_has_its_version(api: Api) -> None:
    made = await api.call("POST", KEYS, json={"tags": {"customer_id": "acme"}})
    key = f"{KEYS}/{made.json()['public_id']}"
    versions = [version_of(made), version_of(await api.call("GET", key))]
    versions.append(version_of(await api.call("PATCH", key, json={"description": "x"})))
    rotated = await api.call("POST", f"{key}/rotate", json={"overlap_s": 60})
    versions.append(version_of(rotated))
    versions.append(version_of(await api.call("POST", f"{key}/suspend")))
    versions.append(version_of(await api.call("POST", f"{key}/resume")))
    second = rotated.json()["credentials"][1]["credential_id"]
    versions.append(version_of(await api.call("DELETE", f"{key}/credentials/{second}")))
    versions.append(version_of(await api.call("DELETE", key)))
    assert versions == [1, 1, 2, 3, 4, 5, 6, 7]
    past = await api.call("GET", key, params={"known_at": made.headers["keyledger-position"]})
    assert version_of(past) == 1, "the key as it was shown is the version that it was"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"tags": {"customer_id": "globex"}}),
        ("POST", "/suspend", None),
        ("POST", "/resume", None),
        ("POST", "/rotate", {"overlap_s": 0}),
        ("DELETE", "/credentials/{id}", None),
        ("DELETE", "", None),
    ],
)
async def test_a_change_of_another_version_is_refused_and_recorded_nowhere(
    api: Api, method: str, path: str, body: Any
) -> None:
    key = (await api.make_key())["public_id"]
    await api.patch(key, {"description": "somebody else's"})
    if path == "/resume":
        await api.call("POST", f"{KEYS}/{key}/suspend")
    head, where = await api.head(), f"{KEYS}/{key}{path.format(id=key)}"
    asked: dict[str, Any] = {} if body is None else {"json": body}
    refused = await api.call(method, where, headers={"If-Match": '"1"'}, **asked)
    assert_problem(refused, 412)
    version = 3 if path == "/resume" else 2
    assert refused.json()["detail"] == f"key-{key} is at version {version}, not 1: read it again"
    assert await api.head() == head
    done = await api.call(method, where, headers={"If-Match": f'"1", "{version}"'}, **asked)
    assert done.status_code in {200, 201}, done.text
    assert version_of(done) == version + 1


async def test_of_two_admins_who_edit_one_version_one_is_told(api: Api) -> None:
    key = (await api.make_key(tags={"customer_id": "acme"}))["public_id"]
    answers = await asyncio.gather(
        *(
            api.call("PATCH", f"{KEYS}/{key}", json={"tags": {"owner": f"admin-{n}"}}, headers={"If-Match": '"1"'})
            for n in range(8)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7
    (won,) = [answer for answer in answers if answer.status_code == 200]
    assert (await api.call("GET", f"{KEYS}/{key}")).json()["tags"] == won.json()["tags"]


async def test_any_version_is_good_for_a_star_but_not_none(api: Api) -> None:
    key = (await api.make_key())["public_id"]
    anything = {"If-Match": "*"}
    assert (await api.call("PATCH", f"{KEYS}/{key}", json={"description": "x"}, headers=anything)).status_code == 200
    assert_problem(await api.call("DELETE", f"{KEYS}/AAAAAAAAAAAA", headers=anything), 404)


async def test_who_has_the_version_is_told_so_without_the_key(api: Api) -> None:
    key = (await api.make_key(tags={"customer_id": "acme"}))["public_id"]
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        answer = await api.call("GET", f"{KEYS}/{key}", headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
        assert answer.headers["keyledger-position"] == str(await api.head())
    await api.patch(key, {"description": "x"})
    assert version_of(await api.call("GET", f"{KEYS}/{key}", headers={"If-None-Match": '"1"'})) == 2


async def test_what_if_of_another_version_is_refused_too(api: Api) -> None:
    key = (await api.make_key(tags={"customer_id": "acme"}))["public_id"]
    tags, path = {"tags": {"customer_id": "globex"}}, f"{KEYS}/{key}?what_if=true"
    assert_problem(await api.call("PATCH", path, json=tags, headers={"If-Match": '"4"'}), 412)
