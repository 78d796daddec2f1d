"""Who comes in at a provider, as what, and who stays out."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.responses import JSONResponse

from registry.keys.events import Confinement
from registry.tokens.service import NewToken
from tests.support.api.service import OPERATOR, Api
from tests.support.console import browser
from tests.support.openid_log_ins import ANNA, logged_in_at, roles
from tests.support.openid_provider import Claims, OpenIdProvider


async def test_a_person_comes_in_with_the_scopes_of_their_role_and_stands_in_the_log(
    api: Api, provider: OpenIdProvider
) -> None:
    assert "Log in with 127.0.0.1" in (await browser(api).get("/console/login")).text
    visitor, answer = await logged_in_at(api, provider, wanted="/console/keys/new")
    assert answer.status_code == 200, answer.text
    assert 'content="0; url=/console/keys/new"' in answer.text
    assert "SameSite=strict" in next(
        one for one in answer.headers.get_list("set-cookie") if "keyledger_session=" in one
    )
    page = await visitor.get("/console/keys/new")
    assert "anna@example.com" in page.text
    assert "/console/webhooks" not in page.text, "the token of the role may not"
    made = await visitor.post("/console/keys/new", tag_name="customer_id", tag_value="acme")
    assert made.status_code in {200, 303}, made.text
    [key] = (await api.call("GET", "/admin/api-keys")).json()["items"]
    [event] = (await api.call("GET", f"/admin/api-keys/{key['public_id']}/history")).json()["items"]
    assert event["actor"] == f"token-{api.token_ids['writer']}"
    assert event["on_behalf_of"] == "anna@example.com"


async def test_the_first_role_of_ours_that_somebody_has_counts(api: Api, provider: OpenIdProvider) -> None:
    provider.people["anna"]["groups"] = ["finance", "operations"]
    visitor, _ = await logged_in_at(api, provider)
    assert (await visitor.get("/console/webhooks")).status_code == 200
    roles(api, finance=api.token_ids["reader"], operations=api.token_ids["admin"])
    visitor, _ = await logged_in_at(api, provider)
    assert (await visitor.get("/console/webhooks")).status_code == 403


async def test_the_confinement_of_a_role_is_that_of_its_people(api: Api, provider: OpenIdProvider) -> None:
    await api.make_key(tags={"customer_id": "acme"})
    await api.make_key(tags={"customer_id": "globex"})
    token = NewToken("acme", ("keys:read",), confined_to=Confinement({"customer_id": "acme"}, None, None))
    made = await api.services.registry.tokens.create(token, OPERATOR)
    roles(api, finance=made.token.token_id)
    visitor, _ = await logged_in_at(api, provider)
    page = (await visitor.get("/console/keys")).text
    assert "acme" in page
    assert "globex" not in page


async def test_a_session_ends_with_the_token_of_its_role(api: Api, provider: OpenIdProvider) -> None:
    visitor, _ = await logged_in_at(api, provider)
    await api.services.registry.tokens.revoke(api.token_ids["writer"], OPERATOR)
    assert (await visitor.get("/console/keys")).status_code == 303
    _, answer = await logged_in_at(api, provider)
    assert answer.status_code == 403
    assert f"whose admin token {api.token_ids['writer']} does not work" in answer.text


@pytest.mark.parametrize("groups", [[], ["staff"], "staff", None, {"finance": True}, [["finance"]], 7])
async def test_who_has_no_role_of_ours_stays_out(api: Api, provider: OpenIdProvider, groups: Any) -> None:
    provider.people["anna"]["groups"] = groups
    visitor, answer = await logged_in_at(api, provider)
    assert answer.status_code == 403
    assert "names no role of yours" in answer.text
    assert visitor.session is None


async def test_a_role_may_be_a_text_and_a_claim_may_lie_deep(api: Api, provider: OpenIdProvider) -> None:
    provider.people["anna"]["groups"] = "finance"
    assert (await logged_in_at(api, provider))[1].status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "realm_access.roles"
    provider.people["anna"] = {**ANNA, "groups": [], "realm_access": {"roles": ["finance"]}}
    assert (await logged_in_at(api, provider))[1].status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "https://example.com/roles"
    provider.people["anna"] = {**ANNA, "groups": [], "https://example.com/roles": ["finance"]}
    assert (await logged_in_at(api, provider))[1].status_code == 200


async def test_an_address_that_is_not_verified_gives_no_role(api: Api, provider: OpenIdProvider) -> None:
    vars(api.services.settings).update(openid_roles_claim="email", openid_person_claim="name")
    roles(api, **{"anna@example.com": api.token_ids["admin"]})
    provider.people["anna"] |= {"name": "Anna", "email_verified": False}
    assert (await logged_in_at(api, provider))[1].status_code == 403
    provider.people["anna"]["email_verified"] = True
    visitor, _ = await logged_in_at(api, provider)
    assert "Anna" in (await visitor.get("/console/webhooks")).text


async def test_claims_that_the_userinfo_alone_has_are_read_there(api: Api, provider: OpenIdProvider) -> None:
    provider.in_userinfo = frozenset({"email", "email_verified", "groups"})
    _, answer = await logged_in_at(api, provider)
    assert answer.status_code == 200
    vars(api.services.settings)["openid_roles_claim"] = "access.keyledger"
    provider.people["anna"] |= {"access": {"keyledger": ["finance"]}}
    provider.in_userinfo = frozenset({"access"})
    provider.spoil = lambda claims: {**claims, "access": {"others": ["all"]}}
    assert (await logged_in_at(api, provider))[1].status_code == 200, "each claim is looked for"
    provider.answers["/userinfo"] = JSONResponse({"sub": "bert", **ANNA})
    _, answer = await logged_in_at(api, provider)
    assert (answer.status_code, "somebody else than the ID token" in answer.text) == (503, True)


@pytest.mark.parametrize(
    ("person", "words"),
    [
        ({"email": None}, "does not say who you are: the claim email"),
        ({"email": "a" * 201}, "does not say who you are"),
        ({"email": "anna@example.com\nevil"}, "does not say who you are"),
        ({"email_verified": False}, "did not verify your e-mail address"),
        ({"email_verified": "false"}, "did not verify your e-mail address"),
    ],
)
async def test_who_is_not_named_well_stays_out(api: Api, provider: OpenIdProvider, person: Claims, words: str) -> None:
    provider.people["anna"] |= person
    visitor, answer = await logged_in_at(api, provider)
    assert (answer.status_code, words in answer.text) == (403, True), answer.text
    assert visitor.session is None
