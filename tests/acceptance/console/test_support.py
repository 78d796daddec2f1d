"""A portal's support: finds a key, sees what it was when, and changes it; without a script and by keyboard, too."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.browser.demo import Demo
from tests.support.browser.visitor import Visitor

pytestmark = pytest.mark.xdist_group("console")


def test_pages_work_without_a_script(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit(script=False)
    visitor.log_in(demo.token)
    visitor.click("New key")
    visitor.page.get_by_label("Tag value").first.fill("no-script")
    visitor.click("Make the key", "button")
    secret = visitor.page.locator("#secret").inner_text()
    assert secret.startswith("sk-t0-")
    visitor.click("I have it")
    assert "UTC" in visitor.page.locator("dl.facts time").first.inner_text()
    assert visitor.page.get_by_role("heading", name=secret[6:18]).is_visible()


def test_support_finds_a_key_and_sees_what_it_was_when(demo: Demo, visit: Callable[..., Visitor]) -> None:
    """Three clicks: the filter, the key; then an edit with what it changes, and the revocation by its name."""
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.click("New key")
    page = visitor.page
    page.get_by_label("Tag value").nth(0).fill("hooli")
    page.get_by_label("Tag value").nth(2).fill("gold")
    visitor.click("Make the key", "button")
    secret = page.locator("#secret").inner_text()
    visitor.click("I have it")
    visitor.click("Keys")
    page.get_by_label("Tag is").fill("customer_id:hooli")
    visitor.click("Filter", "button")
    assert "tag=customer_id%3Ahooli" in page.url
    visitor.click(secret[6:18])
    # The viewer's zone, with UTC on hover.
    time = page.locator("dl.facts time").first
    assert time.get_attribute("title").endswith("UTC")  # type: ignore[union-attr]
    visitor.click("Edit")
    page.get_by_label("Tag value").nth(0).fill("silver")
    page.get_by_label("Why").fill("downgrade")
    visitor.click("See what changes", "button")
    assert page.locator(".diff-from").inner_text() == "gold"
    assert page.locator(".diff-to").inner_text() == "silver"
    visitor.click("Change it", "button")
    assert page.get_by_role("status").inner_text() == "The key was changed."
    rows = page.locator("table").first.locator("tbody tr")
    assert [row.split("\t")[1] for row in rows.all_inner_texts() if row.startswith("billing_tier")] == [
        "gold",
        "silver",
    ]
    visitor.click("Revoke…")
    page.get_by_label("Type hooli").fill("hooli")
    visitor.click("Revoke the key of hooli", "button")
    assert "revoked" in page.get_by_role("heading", level=1).inner_text()


def test_the_keyboard_alone_gets_to_a_key(demo: Demo, visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.log_in(demo.token)
    visitor.page.keyboard.press("Tab")
    assert visitor.page.evaluate("document.activeElement.textContent") == "Skip to the page"
    visitor.page.keyboard.press("Enter")
    visitor.page.get_by_label("Search").focus()
    visitor.page.keyboard.type("acme")
    visitor.page.keyboard.press("Enter")
    visitor.page.wait_for_url("**q=acme**")
    link = visitor.page.get_by_role("link", name=demo.key_of("acme"))
    link.focus()
    visitor.page.keyboard.press("Enter")
    assert visitor.page.get_by_role("heading", level=1).inner_text().startswith(demo.key_of("acme"))
