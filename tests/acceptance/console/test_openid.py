"""Somebody logs in at a provider of another site, with a real browser, and works in the console under their name."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser

from tests.support.browser.visitor import LOOKS, SCREENSHOTS, Visitor
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, providing
from tests.support.processes.registry_process import RegistryProcess

pytestmark = pytest.mark.xdist_group("console")


@dataclass(frozen=True, slots=True)
class World:
    """A registry that is running, its first token, and the provider that its people log in at."""

    origin: str
    token: str
    provider: OpenIdProvider


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """In a thread with a loop of its own: the browser has this one's."""
    ready: Future[World] = Future()
    loop, end = asyncio.new_event_loop(), asyncio.Event()
    folder = tmp_path_factory.mktemp("openid") / "data"
    thread = threading.Thread(target=lambda: loop.run_until_complete(_run(folder, ready, end)))
    thread.start()
    try:
        yield ready.result(timeout=120)
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()
        loop.close()


async def _run(folder: Path, ready: Future[World], end: asyncio.Event) -> None:
    try:
        # At localhost: for a browser another site than 127.0.0.1.
        async with providing("localhost") as provider:
            first = RegistryProcess(folder)
            await first.start()
            made = await first.json("token", "create", "--name", "console: support", "--scope", "keys:read,keys:write")
            assert await first.stop() == 0
            with socket.create_server(("127.0.0.1", 0)) as taken:
                port = taken.getsockname()[1]
            environ = {
                "KEYLEDGER_CONSOLE_URL": f"http://127.0.0.1:{port}",
                "KEYLEDGER_OPENID_ISSUER": provider.issuer,
                "KEYLEDGER_OPENID_CLIENT_ID": CLIENT_ID,
                "KEYLEDGER_OPENID_CLIENT_SECRET": CLIENT_SECRET,
                "KEYLEDGER_OPENID_ROLES": json.dumps({"support": made["token_id"]}),
            }
            registry = RegistryProcess(folder, "--port", str(port), environ=environ)
            await registry.start()
            try:
                ready.set_result(World(registry.url, (folder / "admin-token").read_text().strip(), provider))
                await end.wait()
            finally:
                assert await registry.stop() == 0
    except BaseException as error:
        if not ready.done():
            ready.set_exception(error)
        raise


def test_a_person_logs_in_at_the_provider_and_their_changes_have_their_name(chromium: Browser, world: World) -> None:
    world.provider.people["Änne"] = {"email": "änne@example.com", "email_verified": True, "groups": ["support"]}
    visitor = Visitor(chromium.new_context(**LOOKS["light"]).new_page(), world.origin)
    page = visitor.page
    visitor.go("/console/keys/new")
    page.screenshot(path=SCREENSHOTS / "login-with-provider.png")
    visitor.click("Log in with localhost")
    visitor.click("Änne")
    page.get_by_label("Tag value").first.wait_for()
    assert page.url == f"{world.origin}/console/keys/new", "on to the page that was wanted"
    assert page.get_by_text("änne@example.com").is_visible()
    page.get_by_label("Tag value").first.fill("acme")
    visitor.click("Make the key", "button")
    public_id = page.locator("#secret").inner_text()[6:18]
    visitor.click("I have it")
    assert "for änne@example.com" in page.locator("main").inner_text()
    answer = httpx.get(
        f"{world.origin}/admin/api-keys/{public_id}/history", headers={"Authorization": f"Bearer {world.token}"}
    )
    assert [event["on_behalf_of"] for event in answer.json()["items"]] == ["änne@example.com"]
    visitor.click("Log out", "button")
    page.get_by_label("Admin token").wait_for()
    assert visitor.complaints == []
    page.context.close()


def test_a_person_without_a_role_reads_why(chromium: Browser, world: World) -> None:
    world.provider.people["Bert"] = {"email": "bert@example.com", "groups": ["staff"]}
    visitor = Visitor(chromium.new_context(**LOOKS["narrow"], java_script_enabled=False).new_page(), world.origin)
    visitor.go("/console")
    visitor.click("Log in with localhost")
    visitor.click("Bert")
    assert "you are bert@example.com, and names no role" in visitor.page.get_by_role("alert").inner_text()
    assert not visitor.too_wide()
    visitor.page.context.close()
