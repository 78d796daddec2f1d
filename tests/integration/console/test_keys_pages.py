"""The stories of a portal's support: find a key, see what it was when, change it, and be kept from mistakes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from registry.keys.events import Confinement
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api
from tests.support.console import Browser, browser, logged_in

NASTY = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}",
    "</title><svg onload=alert(1)>",
    "\u202e<b>",
)
SECRET = re.compile(r"sk-t0-[A-Za-z0-9]{12}-[A-Za-z0-9]{48}")


async def make(visitor: Browser, **fields: Any) -> str:
    """Make a key by the form; returns the page that shows its secret."""
    answer = await visitor.post("/console/keys/new", **fields)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_a_key_is_made_shown_once_found_and_edited(api: Api) -> None:
    visitor = await logged_in(api)
    page = await make(
        visitor, tag_name=["customer_id", "billing_tier"], tag_value=["acme", "gold"], description="Ada's"
    )
    (secret,) = set(SECRET.findall(page))
    public_id = secret[6:18]
    assert (await api.call("POST", "/verify", json={"api_key": secret})).json()["code"] == "valid"
    listed = (await visitor.get("/console/keys?tag=customer_id:acme")).text
    assert public_id in listed
    assert secret not in listed
    assert public_id not in (await visitor.get("/console/keys?tag=customer_id:globex")).text
    path = f"/console/keys/{public_id}"
    filled: dict[str, Any] = {
        "tag_name": ["customer_id", "billing_tier"],
        "tag_value": ["acme", "silver"],
        "description": "Ada",
    }
    shown = await visitor.post(f"{path}/edit", **filled, reason="downgrade")
    assert "diff-from" in shown.text
    assert "silver" in shown.text
    answer = await visitor.post(f"{path}/edit", **filled, reason="downgrade", version="1", sure="yes")
    assert answer.headers["location"] == f"{path}?done=edited"
    page = (await visitor.get(f"{path}?done=edited")).text
    assert "The key was changed." in page
    assert "downgrade" in page
    assert (await api.call("GET", f"/admin/api-keys/{public_id}")).json()["tags"]["billing_tier"] == "silver"


async def test_a_form_that_is_sent_twice_makes_one_key_and_shows_the_same_secret(api: Api) -> None:
    visitor = await logged_in(api)
    page = await visitor.get("/console/keys/new")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text))
    data = {**hidden, "tag_name": "customer_id", "tag_value": "acme"}
    first, second = [await visitor.http.post("/console/keys/new", data=data, headers=visitor.headers) for _ in range(2)]
    assert SECRET.findall(first.text) == SECRET.findall(second.text) != []
    assert len((await api.call("GET", "/admin/api-keys")).json()["items"]) == 1


async def test_two_people_who_edit_one_key_do_not_overwrite_each_other(api: Api) -> None:
    key = await api.make_key(tags={"customer_id": "acme"})
    visitor = await logged_in(api)
    await api.patch(key["public_id"], {"tags": {"customer_id": "globex"}})
    answer = await visitor.post(
        f"/console/keys/{key['public_id']}/edit", tag_name="customer_id", tag_value="initech", version="1", sure="yes"
    )
    assert answer.status_code == 412
    assert "Somebody changed it meanwhile" in answer.text


async def test_a_key_is_suspended_resumed_rotated_and_revoked_by_its_name(api: Api) -> None:
    key = await api.make_key(tags={"customer_id": "acme"})
    visitor, path = await logged_in(api), f"/console/keys/{key['public_id']}"
    assert (await visitor.post(f"{path}/suspend", of=path)).status_code == 303
    assert "state-suspended" in (await visitor.get(path)).text
    assert (await visitor.post(f"{path}/resume", of=path)).status_code == 303
    rotated = await visitor.post(f"{path}/rotate", ends="overlap", hours="1")
    assert len(set(SECRET.findall(rotated.text))) == 1
    wrong = await visitor.post(f"{path}/revoke", name="globex")
    assert wrong.status_code == 422
    assert "Type acme" in wrong.text
    assert (await visitor.post(f"{path}/revoke", name="acme", reason="left")).status_code == 303
    page = (await visitor.get(path)).text
    assert "state-revoked" in page
    assert "left" in page


async def test_a_scheduled_and_a_backdated_edit_are_on_the_timeline(api: Api) -> None:
    key = await api.make_key(tags={"tier": "gold"})
    visitor, path = await logged_in(api), f"/console/keys/{key['public_id']}"
    at = (datetime.now(UTC) + timedelta(days=3)).isoformat().replace("+00:00", "Z")
    filled = {"tag_name": "tier", "tag_value": "silver", "effective_at": at, "version": "1", "sure": "yes"}
    assert (await visitor.post(f"{path}/edit", **filled)).status_code == 303
    page = (await visitor.get(path)).text
    assert "To come" in page
    assert page.count("scheduled") >= 1
    position = re.findall(r"/scheduled/(\d+)/cancel", page)[0]
    assert (await visitor.post(f"{path}/scheduled/{position}/cancel", of=path)).status_code == 303
    assert "To come" not in (await visitor.get(path)).text


async def test_many_keys_are_changed_after_they_were_shown_and_not_where_they_became_more(api: Api) -> None:
    for _ in range(3):
        await api.make_key(tags={"customer_id": "acme", "tier": "gold"})
    visitor = await logged_in(api)
    filled = {"select_name": "customer_id", "select_value": "acme", "action": "edit", "tag_name": "tier"}
    shown = await visitor.post("/console/keys/bulk", **filled, tag_value="silver")
    assert "Change 3 of 3 keys?" in shown.text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', shown.text))
    await api.make_key(tags={"customer_id": "acme"})
    refused = await visitor.http.post("/console/keys/bulk", data={**hidden, "sure": "yes"}, headers=visitor.headers)
    assert refused.status_code == 422
    again = await visitor.post("/console/keys/bulk", **filled, tag_value="silver")
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', again.text))
    done = await visitor.http.post("/console/keys/bulk", data={**hidden, "sure": "yes"}, headers=visitor.headers)
    assert "4 keys were changed" in done.text


@pytest.mark.parametrize("text", NASTY)
async def test_no_tag_or_description_becomes_markup(api: Api, text: str) -> None:
    plain = text.replace("\u202e", "")
    key = await api.make_key(tags={"customer_id": plain, "note": plain}, description=plain)
    visitor = await logged_in(api)
    path = f"/console/keys/{key['public_id']}"
    for page in (
        "/console/keys",
        path,
        f"{path}/edit",
        f"{path}/revoke",
        f"{path}/rotate",
        f"/console/keys?{urlencode({'q': plain})}",
    ):
        shown = (await visitor.get(page)).text
        assert "alert(1)" not in shown or not re.search(r"<(script|img|svg)[^>]*(alert|onerror|onload)", shown)
        assert "<script>alert" not in shown
        assert "49" not in re.findall(r"<dd>([^<]*)</dd>", shown)
        assert shown.count("<script") == 1, "the page's own"


async def test_who_may_only_read_sees_no_buttons_and_can_do_nothing(api: Api) -> None:
    key = await api.make_key(tags={"customer_id": "acme"})
    visitor, path = await logged_in(api, "reader"), f"/console/keys/{key['public_id']}"
    page = (await visitor.get(path)).text
    assert "Revoke" not in page
    assert "New key" not in (await visitor.get("/console/keys")).text
    for action in ("suspend", "revoke", "rotate", "edit"):
        filled = {"name": "acme", "tag_name": "a", "tag_value": "b", "sure": "y", "once": "o", "hours": "1"}
        filled["version"] = "1"
        answer = await visitor.post(f"{path}/{action}", of=path, **filled)
        assert answer.status_code == 403, action
    billing = await logged_in(api, "billing")
    assert (await billing.get("/console/keys")).status_code == 403


async def test_a_confined_token_sees_its_own_keys_alone(api: Api) -> None:
    own = await api.make_key(tags={"customer_id": "acme"})
    foreign = await api.make_key(tags={"customer_id": "globex"})
    made = await api.services.registry.tokens.create(
        NewToken("acme", ("keys:read", "keys:write"), None, Confinement({"customer_id": "acme"}, None, None)), OPERATOR
    )
    visitor = browser(api)
    await visitor.log_in(made.text)
    listed = (await visitor.get("/console/keys")).text
    assert own["public_id"] in listed
    assert foreign["public_id"] not in listed
    for page in ("", "/edit", "/revoke", "/rotate"):
        assert (await visitor.get(f"/console/keys/{foreign['public_id']}{page}")).status_code == 404
    answer = await visitor.post(f"/console/keys/{foreign['public_id']}/suspend", of="/console/keys")
    assert answer.status_code == 404
    moved = await visitor.post(
        f"/console/keys/{own['public_id']}/edit", tag_name="customer_id", tag_value="globex", version="1", sure="yes"
    )
    assert moved.status_code in {403, 422}
    assert (await api.call("GET", f"/admin/api-keys/{own['public_id']}")).json()["tags"] == {"customer_id": "acme"}
