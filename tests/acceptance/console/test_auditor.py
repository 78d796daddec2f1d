"""An auditor and an operator: the feed, live; what held and what changed; verify; health; and who is let in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import httpx
import pytest

from tests.support.browser.demo import Demo
from tests.support.browser.visitor import Visitor
from tests.support.documents import ROOT

pytestmark = pytest.mark.xdist_group("console")
NASTY = "<img src=x onerror=\"document.title='owned'\">"


def keyledger(demo: Demo, *arguments: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "keyledger.cli", *arguments, "--data", str(demo.folder)]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()


def test_an_event_shows_by_itself_when_it_happens(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.click("Events")
    page = visitor.page
    page.locator("#live-state", has_text="live").wait_for()
    headers = {"Authorization": f"Bearer {demo.token}"}
    made = httpx.post(f"{demo.origin}/admin/api-keys", json={"tags": {"customer_id": "live"}}, headers=headers).json()
    page.get_by_role("link", name=made["public_id"]).first.wait_for(timeout=20_000)
    row = page.locator("tbody tr").first.inner_text()
    assert "live" in row
    assert "UTC" not in row, "in the viewer's zone, as the others"


def test_what_held_and_what_changed_and_whether_all_is_as_the_log_says(
    demo: Demo, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.click("Audit")
    page = visitor.page
    page.get_by_label("As known at position").fill("9")
    visitor.click("Show", "button")
    assert demo.key_of("acme") in page.locator("table").first.inner_text()
    visitor.click("Audit")
    page.get_by_label("From position").fill("2")
    page.get_by_label("To position").fill("9")
    visitor.click("Compare", "button")
    assert "initech" in page.locator("main").inner_text()
    visitor.click("Audit")
    visitor.click("Verify now", "button")
    assert page.get_by_role("status").or_(page.get_by_role("alert")).first.is_visible()


def test_the_operator_is_let_in_by_an_address_of_the_machine(demo: Demo, visit: Callable[..., Visitor]) -> None:
    address = keyledger(demo, "console")
    assert address.startswith(demo.origin)
    visitor = visit()
    visitor.page.goto(address)
    visitor.click("Log in", "button")
    visitor.click("Health")
    assert visitor.page.get_by_role("heading", name="Parts").is_visible()
    visitor.click("Log out", "button")
    visitor.page.goto(address)
    visitor.click("Log in", "button")
    assert "was used" in visitor.page.get_by_role("alert").inner_text()
    visitor.complaints.clear()  # the 401 itself


def test_no_name_of_anything_becomes_markup_in_a_browser(demo: Demo, visit: Callable[..., Visitor]) -> None:
    headers = {"Authorization": f"Bearer {demo.token}"}
    price = {"model": NASTY, "currency": "EUR", "per_inference": "1", "tags": {"customer_id": NASTY}}
    with httpx.Client(base_url=demo.origin, headers=headers) as api:
        assert api.put("/admin/prices/nasty", json=price, params={"reason": NASTY}).status_code < 300
        key = api.post("/admin/api-keys", json={"tags": {"customer_id": NASTY}, "description": NASTY}).json()
        assert api.post("/admin/tokens", json={"name": NASTY, "scopes": ["keys:read"]}).status_code == 201
    visitor = visit()
    visitor.log_in(demo.token)
    pages = ("prices", "prices/nasty", "keys", f"keys/{key['public_id']}", f"keys/{key['public_id']}/edit", "tokens")
    for path in (*pages, "events", "audit/state", "audit/diff?from=2&to=19", "bills?group_by=customer_id,model"):
        visitor.go(f"/console/{path}")
        visitor.page.wait_for_load_state("networkidle" if path != "events" else "load")
        assert visitor.page.title() != "owned"
        assert visitor.page.locator("img").count() == 0
        assert visitor.page.locator("script").count() == 1


def test_a_confined_token_gets_to_nothing_of_the_others(demo: Demo, visit: Callable[..., Visitor]) -> None:
    headers = {"Authorization": f"Bearer {demo.token}"}
    body = {
        "name": "acme's own",
        "scopes": ["keys:read", "keys:write", "billing:read", "events:read"],
        "confined_to": {"tags": {"customer_id": "acme"}},
    }
    made = httpx.post(f"{demo.origin}/admin/tokens", json=body, headers=headers).json()
    visitor = visit()
    visitor.log_in(made["token"])
    foreign = demo.key_of("initech")  # that of globex was acme's once
    for path in ("keys", f"keys/{foreign}", f"keys/{foreign}/edit", "bills", "bills/compare", "events", "prices",
                 "tokens", "webhooks", "policy", "health", "audit", "audit/state", "bills/inferences",
                 f"events?about={foreign}", "keys?tag=customer_id:globex", "bills?tag=customer_id:globex"):  # fmt: skip
        visitor.go(f"/console/{path}")
        shown = visitor.page.locator("main").inner_text()
        assert foreign not in shown, path
        assert "umbrella" not in shown, path
        assert "initech" not in shown, path
    visitor.complaints.clear()  # refusals
