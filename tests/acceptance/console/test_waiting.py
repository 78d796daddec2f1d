"""What a real browser shows of a page that comes in parts: while it comes, the last line alone; then the page alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.responses import Response, StreamingResponse
from playwright.sync_api import Browser, expect

from keyledger.console import answers
from keyledger.console.answers import HEADERS
from keyledger.console.progress import SoFar
from keyledger.console.waiting import parts_of
from keyledger.runtime.serving.server import bind_tcp, serving
from tests.support.browser.visitor import LOOKS, SCREENSHOTS, Visitor

pytestmark = pytest.mark.xdist_group("console")
PAGE: Final = '<html><main id="main"><h1>The bill</h1></main></html>'


@dataclass(slots=True)
class Paused:
    """A server of one page, which is made when the test says so."""

    origin: str
    loop: asyncio.AbstractEventLoop
    made: asyncio.Event

    def make(self) -> None:
        """Let the page be made."""
        self.loop.call_soon_threadsafe(self.made.set)


@pytest.fixture
def paused() -> Iterator[Paused]:
    """In a thread with a loop of its own: the browser has this one's."""
    ready: Future[Paused] = Future()
    loop, end = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        with bind_tcp("127.0.0.1", 0) as tcp:
            origin, made = f"http://127.0.0.1:{tcp.getsockname()[1]}", asyncio.Event()
            async with serving([(_app(origin, made), tcp)]):
                ready.set_result(Paused(origin, loop, made))
                await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),))
    thread.start()
    yield ready.result(timeout=30)
    loop.call_soon_threadsafe(end.set)
    thread.join()
    loop.close()


def _app(origin: str, made: asyncio.Event) -> FastAPI:
    app = FastAPI()

    async def so_far(_clickhouse: Any) -> SoFar:
        return SoFar(12_345_678, 40_000_000, "rows read")

    async def page() -> Response:
        await made.wait()
        return Response(PAGE)

    async def parts() -> AsyncGenerator[str, None]:
        session = SimpleNamespace(ends_at=datetime.now(UTC))
        request = SimpleNamespace(url=SimpleNamespace(path="/console/bills"))
        visit: Any = SimpleNamespace(
            session=session, request=request, parts=[], csrf="", name="Anna", progress=SimpleNamespace(so_far=so_far)
        )
        visit.services = SimpleNamespace(clickhouse=None)
        async for part in parts_of(visit, asyncio.create_task(page()), 0.0, title="Bills", leave=f"{origin}/left"):
            yield part

    @app.get("/console/static/{digest}/{name}")
    async def file(digest: str, name: str) -> Response:
        return answers.file(digest, name)

    @app.get("/")
    async def first() -> Response:
        return StreamingResponse(parts(), media_type="text/html", headers=HEADERS)

    @app.get("/left")
    async def left() -> Response:
        return Response("<title>Left</title>", media_type="text/html")

    return app


def test_only_the_last_line_is_seen_and_then_only_the_page(chromium: Browser, paused: Paused) -> None:
    visitor = Visitor(chromium.new_context(**LOOKS["narrow"]).new_page(), paused.origin)
    page = visitor.page
    page.goto(paused.origin, wait_until="commit")
    expect(page.locator(".so-far")).to_have_count(3, timeout=20_000)
    shown = [one.is_visible() for one in page.locator(".so-far").all()]
    assert (shown[:-1], sum(shown)) == ([False] * (len(shown) - 1), 1)
    assert "12\u202f345\u202f678 of 40\u202f000\u202f000" in page.locator(".so-far").last.inner_text()
    page.screenshot(path=SCREENSHOTS / "waiting.png")
    paused.make()
    page.wait_for_load_state()
    assert page.get_by_role("heading", name="The bill").is_visible()
    assert not page.locator("#waiting").is_visible()
    assert visitor.complaints == []
    page.context.close()


def test_a_page_that_comes_can_be_left(chromium: Browser, paused: Paused) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    page.goto(paused.origin, wait_until="commit")
    page.get_by_role("link", name="Stop").click()
    expect(page).to_have_title("Left")
    page.context.close()
