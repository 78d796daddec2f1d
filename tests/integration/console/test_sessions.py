"""Who gets into the console, who gets out of it, and what another site can't do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keyledger.console.answers import POLICY
from keyledger.console.events import events as live
from registry.auth import Principal
from registry.sessions import store
from tests.support.api.service import OPERATOR, Api
from tests.support.console import ORIGIN, browser, logged_in
from tests.support.servers.databases import Database


async def test_a_token_logs_in_and_out_and_its_revocation_ends_the_session(api: Api) -> None:
    visitor = browser(api)
    answer = await visitor.get("/console/keys?q=acme")
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login?next=%2Fconsole%2Fkeys%3Fq%3Dacme")
    answer = await visitor.post("/console/login", of=answer.headers["location"], token=api.tokens["reader"])
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/keys?q=acme")
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "SameSite=strict", "Path=/console"))
    assert (await visitor.get("/console/keys")).status_code == 200
    other = await logged_in(api, "reader")
    await visitor.post("/console/logout", of="/console/keys")
    assert (await visitor.get("/console/keys")).status_code == 303
    assert (await other.get("/console/keys")).status_code == 200, "another session goes on"
    await api.services.registry.tokens.revoke(api.token_ids["reader"], OPERATOR)
    assert (await other.get("/console/keys")).status_code == 303


async def test_a_cookie_that_was_kept_is_worth_nothing_after_the_log_out(api: Api) -> None:
    visitor = await logged_in(api)
    kept = visitor.session
    assert kept is not None
    await visitor.post("/console/logout", of="/console/keys")
    thief = browser(api)
    thief.http.cookies.set("keyledger_session", kept, path="/console")
    assert (await thief.get("/console/keys")).status_code == 303


async def test_a_session_ends_by_time(api: Api, database: Database) -> None:
    visitor = await logged_in(api)
    async with database.connect() as owner:
        await owner.execute("UPDATE keyledger.console_session SET ends_at = now() - interval '1 s'")
    assert (await visitor.get("/console/keys")).status_code == 303
    await api.services.registry.sessions.sweep()
    async with database.connect() as owner:
        assert await owner.fetchval("SELECT count(*) FROM keyledger.console_session") == 0


async def test_what_the_database_has_logs_nobody_in(api: Api, database: Database) -> None:
    visitor = await logged_in(api)
    assert visitor.session is not None
    async with database.connect() as owner:
        rows = await owner.fetchval("SELECT string_agg(row::text, '') FROM keyledger.console_session AS row")
    assert visitor.session not in rows


async def test_an_id_that_was_set_before_the_log_in_is_not_taken_over(api: Api) -> None:
    victim = browser(api)
    victim.http.cookies.set("keyledger_session", "chosen-by-somebody-else", path="/console")
    answer = await victim.log_in(api.tokens["admin"])
    assert "chosen-by-somebody-else" not in answer.headers["set-cookie"]
    thief = browser(api)
    thief.http.cookies.set("keyledger_session", "chosen-by-somebody-else", path="/console")
    assert (await thief.get("/console/keys")).status_code == 303


async def test_an_address_of_the_operator_works_once(api: Api) -> None:
    code = await api.services.registry.sessions.offer()
    visitor = browser(api)
    assert (await visitor.get(f"/console/login?code={code}")).status_code == 200
    answer = await visitor.post("/console/login", of=f"/console/login?code={code}")
    assert answer.status_code == 303, "to look at the address did not use it up"
    assert "operator" in (await visitor.get("/console/keys")).text
    again = await browser(api).post("/console/login", of=f"/console/login?code={code}")
    assert again.status_code == 401
    assert "keyledger console" in again.text


async def test_the_operator_logs_everybody_out(api: Api) -> None:
    one, other = await logged_in(api), await logged_in(api, "reader")
    code = await api.services.registry.sessions.offer()
    assert await api.services.registry.sessions.end_all() == 2
    for visitor in (one, other):
        assert (await visitor.get("/console/keys")).status_code == 303
    assert (await browser(api).post("/console/login", of=f"/console/login?code={code}")).status_code == 401


async def test_an_address_of_the_operator_ends_after_a_while(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "CODE_LASTS", timedelta(0))
    code = await api.services.registry.sessions.offer()
    assert (await browser(api).post("/console/login", of=f"/console/login?code={code}")).status_code == 401


@pytest.mark.parametrize("token", ["", "nonsense", "kl-admin-aaaaaaaaaaaa-" + "b" * 48, "revoked"])
async def test_what_is_no_token_does_not_log_in(api: Api, token: str) -> None:
    visitor = browser(api)
    answer = await visitor.log_in(api.tokens.get(token, token))
    assert answer.status_code == 401
    assert visitor.session is None
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "where", ["https://evil.example/", "//evil.example", "/console/\\evil.example", "javascript:0"]
)
async def test_a_log_in_leads_to_no_other_site(api: Api, where: str) -> None:
    visitor = browser(api)
    answer = await visitor.post("/console/login", token=api.tokens["admin"], next=where)
    assert answer.headers["location"] == "/console"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://keyledger.evil.example", None])
async def test_a_form_of_another_site_is_refused(api: Api, origin: str | None) -> None:
    visitor = await logged_in(api)
    visitor.headers = {} if origin is None else {"Origin": origin}
    answer = await visitor.post("/console/keys/new", tag_name="customer_id", tag_value="mallory")
    assert answer.status_code == 403
    assert (await api.call("GET", "/admin/api-keys")).json()["items"] == []
    assert (await visitor.log_in(api.tokens["admin"])).status_code == 403


async def test_a_form_of_another_session_is_refused(api: Api) -> None:
    one, other = await logged_in(api), await logged_in(api)
    page = (await other.get("/console/keys/new")).text
    token = page.split('name="csrf" value="')[1].split('"')[0]
    answer = await one.http.post("/console/keys/new", data={"csrf": token, "once": "x"}, headers={"Origin": ORIGIN})
    assert answer.status_code == 403
    assert "another session" in answer.text
    assert (await one.http.post("/console/keys/new", data={}, headers={"Origin": ORIGIN})).status_code == 403


async def test_a_form_that_is_too_large_is_refused(api: Api) -> None:
    visitor = await logged_in(api)
    assert (await visitor.post("/console/keys/new", description="x" * 300_000)).status_code == 403
    many = {f"tag_{number}": "x" for number in range(2_100)}
    assert (await visitor.post("/console/keys/new", **many)).status_code == 403


@pytest.mark.parametrize("path", ["/console/keys", "/console/login", "/console/nowhere", "/console/keys/abcDEF123456"])
async def test_every_page_has_the_headers_that_keep_it_to_itself(api: Api, path: str) -> None:
    answer = await (await logged_in(api)).get(path)
    assert answer.headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


async def test_files_are_kept_by_their_hash_and_small(api: Api) -> None:
    visitor = browser(api)
    page = (await visitor.get("/console/login")).text
    paths = [part.split('"')[0] for part in page.split('="') if part.startswith("/console/static/")]
    assert len(paths) == 3
    size = 0
    for path in paths:
        answer = await visitor.get(path)
        assert "immutable" in answer.headers["cache-control"]
        size += len(answer.content)
    assert size < 1_000_000
    assert (await visitor.get("/console/static/0000000000000000/console.css")).status_code == 404
    assert (await visitor.get(paths[0].rsplit("/", 1)[0] + "/..%2fapp.py")).status_code == 404


async def test_the_scope_of_a_call_can_t_be_set_from_outside(api: Api) -> None:
    """Who asks in this process is in the ASGI scope, where no header leads."""
    for header in ("keyledger.inner_call", "keyledger-inner-call", "x-keyledger-principal"):
        answer = await api.client.get("/admin/api-keys", headers={header: "operator"})
        assert answer.status_code == 401
    assert Principal("operator").allows("admin")


ODD = (
    "/console/keys/%2e%2e", "/console/keys/%2e/edit", "/console/keys/a%2fb", "/console/keys/%00",
    "/console/bills?month=1970-01", "/console/bills?month=9998-12", "/console/bills?month=x",
    "/console/bills/compare?since=3000-01-01&until=9000-01-01", "/console/prices?at=2026-03-01t00:00:00z",
    "/console/audit/state?at=2026-11-27t13:00:00z", "/console/audit/diff?from=x", "/console/events?before=0",
    "/console/events/live?after=-1", "/console/keys?cursor=x", "/console/keys?tag=x",
)  # fmt: skip


@pytest.mark.parametrize("path", ODD)
async def test_an_odd_address_is_answered_with_words(api: Api, path: str) -> None:
    answer = await (await logged_in(api)).get(path)
    assert answer.status_code < 500 or "ledger" in answer.text, answer.text  # there is no ClickHouse behind it
    assert "Something failed here" not in answer.text


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("rotate", {"hours": "9" * 5000}), ("rotate", {"hours": "x"}), ("edit", {"description": "x", "sure": "1"}),
        ("edit", {"description": "x", "sure": "1", "version": "9" * 5000}),
        ("../bulk", {"sure": "1", "action": "suspend", "select_name": "a", "select_value": "b", "once": "o"}),
    ],
)  # fmt: skip
async def test_an_odd_number_in_a_form_is_refused(api: Api, form: str, fields: dict[str, str]) -> None:
    key = await api.make_key()
    path = "/console/keys/bulk" if form == "../bulk" else f"/console/keys/{key['public_id']}/{form}"
    answer = await (await logged_in(api)).post(path, **fields)
    assert answer.status_code == 422, answer.text
    strange = await logged_in(api)
    strange.headers = {"Origin": "http://["}
    assert (await strange.post(path, **fields)).status_code == 403


async def test_a_key_of_very_many_tags_is_shown_in_time(api: Api) -> None:
    """What is shown is bounded, and takes a time in proportion: of 12,000 spans it once took five seconds."""
    key = await api.make_key()
    for turn in range(60):
        tags = {f"t{number}": f"{turn}-{number}" for number in range(60)}
        assert (await api.patch(key["public_id"], {"tags": tags})).status_code == 200
    answer = await (await logged_in(api)).get(f"/console/keys/{key['public_id']}")
    assert "more spans are left out" in answer.text
    assert len(answer.content) < 1_000_000


async def test_streams_of_one_session_are_few_and_end_with_it(api: Api) -> None:
    visitor = await logged_in(api)
    assert visitor.session is not None
    for _ in range(4):
        live._open[visitor.session] += 1
    try:
        assert (await visitor.get("/console/events/live?after=0")).status_code == 429
    finally:
        live._open.clear()
    await visitor.post("/console/logout", of="/console/keys")
    assert (await visitor.get("/console/events/live?after=0")).status_code == 303


async def test_without_a_provider_nobody_is_sent_to_one(api: Api) -> None:
    visitor = browser(api)
    assert "Log in with" not in (await visitor.get("/console/login")).text
    for path in ("/console/login/openid", "/console/login/openid/callback?code=a&state=b"):
        answer = await visitor.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
