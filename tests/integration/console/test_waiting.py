"""Pages that take a while: they say how far they are, end as they would have, and stop when somebody leaves them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html import escape
from urllib.parse import urlencode

import httpx
import pytest

from keyledger.console import waiting
from keyledger.console.progress import Progress
from keyledger.runtime.serving.concurrency_limit import ConcurrencyLimit
from keyledger.runtime.serving.server import bind_tcp, serving
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, open_api
from tests.support.console import Browser
from tests.support.servers.databases import Database
from tests.support.waiting import eventually

BILL = "/console/bills?month=2026-03&group_by="


@dataclass(frozen=True, slots=True)
class Served:
    """An API with a ledger, on a socket, and a browser that is logged in with its first token."""

    api: Api
    browser: Browser

    @asynccontextmanager
    async def no_turn(self, gate: ConcurrencyLimit) -> AsyncIterator[None]:
        """In the block all turns of the token are taken, as by bills of its own that are under way."""
        async with AsyncExitStack() as taken:
            for _ in range(2 if gate is self.api.reading.bills else 1):
                await taken.enter_async_context(gate.enter(f"token-{self.api.token_ids['admin']}"))
            yield


@pytest.fixture
async def served(
    database: Database, clickhouse: ClickHouse, names: Names, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Served]:
    """Pages say how far they are after a twentieth of a second."""
    monkeypatch.setattr(waiting, "_PATIENCE_S", 0.05)
    monkeypatch.setattr(waiting, "_EVERY_S", 0.05)
    bound = bind_tcp("127.0.0.1", 0)
    origin = f"http://127.0.0.1:{bound.getsockname()[1]}"
    async with (
        open_api(database, clickhouse, names) as api,
        serving([(api.app, bound)]),
        httpx.AsyncClient(base_url=origin, timeout=60) as http,
    ):
        browser = Browser(http, {"Origin": origin})
        assert (await browser.log_in(api.tokens["admin"])).status_code == 303
        yield Served(api, browser)


async def read_until(text: AsyncIterator[str], word: str, so_far: str = "") -> str:
    """What has come when the word has."""
    async with asyncio.timeout(20):
        while word not in so_far:
            so_far += await anext(text)
    return so_far


async def test_a_bill_that_waits_says_so_until_it_is_there(served: Served) -> None:
    async with served.no_turn(served.api.reading.bills):
        stream = served.browser.http.stream("GET", BILL)
        answer = await stream.__aenter__()
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-accel-buffering"] == "no"
        text = answer.aiter_text()
        page = await read_until(text, "so-far")
        assert "/console/bills/stopped?page=%2Fconsole%2Fbills%3Fmonth%3D2026-03" in page
        page += await read_until(text, "so-far")
        assert '<main id="main"' not in page
    page = await read_until(text, "</html>", page)
    await stream.__aexit__(None, None, None)
    whole = page[page.index('<main id="main"') :]
    assert page.count('<main id="main"') == page.count("</body>") == page.count("<title>") == 1
    assert "No usage of known keys in this period" in whole
    assert 'name="month"' in whole


async def test_what_is_soon_there_comes_as_it_is(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE_S", 60)
    page = (await served.browser.get(BILL)).text
    assert 'id="waiting"' not in page
    assert "No usage of known keys in this period" in page


async def test_who_leaves_stops_what_they_wait_for(served: Served) -> None:
    gate = served.api.reading.bills

    async def inside() -> int:
        return gate.inside

    async with served.no_turn(gate):
        async with served.browser.http.stream("GET", BILL) as answer:
            text = answer.aiter_text()  # to lose it is to leave
            await read_until(text, "so-far")
            assert await eventually(inside, lambda count: count == 3, timeout_s=10) == 3
        assert await eventually(inside, lambda count: count == 2, timeout_s=10) == 2


async def test_what_was_stopped_can_be_asked_for_again(served: Served) -> None:
    compared = "/console/bills/compare?month=2026-03&group_by=&base_month=2026-01"
    page = (await served.browser.get(f"/console/bills/stopped?{urlencode({'page': compared})}")).text
    assert "you stopped it" in page
    assert f'href="{escape(compared)}"' in page
    assert 'value="2026-03"' in page
    for elsewhere in ("https://evil.example/?month=2026-03", "//evil.example", "javascript:alert(1)", ""):
        page = (await served.browser.get(f"/console/bills/stopped?{urlencode({'page': elsewhere})}")).text
        assert 'href="/console"' in page
        assert "evil" not in page


@pytest.mark.parametrize("path", ["/console/bills", "/console/bills/compare", "/console/bills/inferences"])
async def test_what_is_refused_meanwhile_is_shown_in_the_form(served: Served, path: str) -> None:
    async with served.no_turn(served.api.reading.bills), served.no_turn(served.api.reading.pages):
        stream = served.browser.http.stream("GET", f"{path}?month=2026-03&group_by=nobody_has_this")
        answer = await stream.__aenter__()
        text = answer.aiter_text()
        page = await read_until(text, "so-far")
    page = await read_until(text, "</html>", page)
    await stream.__aexit__(None, None, None)
    assert "nobody_has_this" in page[page.index('<main id="main"') :]


async def test_what_fails_meanwhile_is_a_page_with_its_request(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def failing(*_: object) -> None:
        await asyncio.sleep(0.2)
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("keyledger.console.bills.bills._answered", failing)
    answer = await served.browser.get(BILL)
    page = answer.text[answer.text.index('<main id="main"') :]
    assert "Something failed here" in page
    assert re.search(r"Request <code>[0-9a-f]{32}", page)
    assert "secret" not in answer.text

    async def logged() -> str:
        return caplog.text

    assert await eventually(logged, lambda log: "ZeroDivisionError" in log, timeout_s=10)


async def test_a_look_at_how_far_it_is_holds_up_nothing_and_breaks_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> None:
        await asyncio.sleep(600)

    async def breaks(*_: object) -> None:
        raise ZeroDivisionError

    for so_far in (hangs, breaks):
        monkeypatch.setattr(Progress, "so_far", so_far)
        async with served.no_turn(served.api.reading.bills):
            stream = served.browser.http.stream("GET", BILL)
            answer = await stream.__aenter__()
            text = answer.aiter_text()
            page = await read_until(text, "so-far")
        assert "No usage of known keys" in await read_until(text, "</html>", page)
        await stream.__aexit__(None, None, None)


async def test_a_verify_that_waits_says_so_until_it_has_ended(served: Served) -> None:
    page = (await served.browser.get("/console/audit")).text
    [csrf] = set(re.findall(r'name="csrf" value="(\w+)"', page))
    async with served.no_turn(served.api.reading.audits):
        stream = served.browser.http.stream(
            "POST", "/console/audit/verify", data={"csrf": csrf}, headers=served.browser.headers
        )
        answer = await stream.__aenter__()
        text = answer.aiter_text()
        page = await read_until(text, "so-far")
        assert 'href="/console/audit">Stop' in page
    page = await read_until(text, "</html>", page)
    await stream.__aexit__(None, None, None)
    assert "Up to position" in page[page.index('<main id="main"') :]
