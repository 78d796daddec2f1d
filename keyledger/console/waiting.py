"""Pages that take a while: they show how far they are meanwhile, and who leaves them stops what they wait for.

The page is sent in parts: a frame, a line each second, and at the end what the page has in it, which hides those by its
style. So it needs no script, and nothing is kept of it anywhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from time import monotonic
from typing import Any, Final

from fastapi.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from keyledger.console.answers import NOT_STORED, text
from keyledger.console.progress import SoFar
from keyledger.console.routing import instead
from keyledger.console.visit import Visit
from keyledger.http.reads import UNBUFFERED

# Until then it is not worth saying anything.
_PATIENCE_S: Final = 1.0
_EVERY_S: Final = 1.0
_HEADERS: Final = {**NOT_STORED, **UNBUFFERED}
_MAIN: Final = re.compile(r'<main id="main".*</main>', re.DOTALL)


async def page_or_progress(visit: Visit, page: Coroutine[Any, Any, Response], *, title: str, leave: str) -> Response:
    """The page, or one that says how far it is until it is made. `leave` is where a link leads that stops it.

    Raises what making the page does, if that is soon.
    """
    making, began_s = asyncio.create_task(page), monotonic()
    try:
        await asyncio.wait({making}, timeout=_PATIENCE_S)
    except asyncio.CancelledError:
        making.cancel()
        raise
    if making.done():
        return making.result()
    return _Unfinished(visit, making, began_s, title=title, leave=leave)


def sent_in_two(page: HTMLResponse, part: Callable[[], Awaitable[str]]) -> Response:
    """The page up to its mark at once, then the part that takes a while, then the rest. The part may raise nothing."""
    first, _, rest = bytes(page.body).decode().partition("<!-- later -->")

    async def sent() -> AsyncGenerator[str, None]:
        yield first
        yield await part()
        yield rest

    return StreamingResponse(sent(), page.status_code, _HEADERS, "text/html")


class _Unfinished(StreamingResponse):
    """What is sent while the page is made."""

    def __init__(self, visit: Visit, making: asyncio.Task[Response], began_s: float, **given: str) -> None:
        super().__init__(parts_of(visit, making, began_s, **given), headers=_HEADERS, media_type="text/html")
        self._making = making

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:  # who has left does not want it any more
            self._making.cancel()
            await asyncio.gather(self._making, return_exceptions=True)


async def parts_of(
    visit: Visit, making: asyncio.Task[Response], began_s: float, *, title: str, leave: str
) -> AsyncGenerator[str, None]:
    """The parts in which a page is sent that is being made since an instant of the monotonic clock."""
    given = {"title": title, "leave": leave}
    frame, _, end = text("waiting.html", visit=visit, **given).partition("<!-- so far -->")
    yield frame
    while not making.done():
        so_far = await _so_far(visit, making)
        yield text("so_far.html", seconds=monotonic() - began_s, so_far=so_far)
        await asyncio.wait({making}, timeout=_EVERY_S)
    middle, _, rest = end.partition("<!-- the page -->")
    yield middle + _main(await _made(visit, making)) + rest


async def _so_far(visit: Visit, making: asyncio.Task[Response]) -> SoFar | None:
    """How far it is; None where that is not known before the page is made."""
    looking = asyncio.create_task(visit.progress.so_far(visit.services.clickhouse))
    try:
        await asyncio.wait({looking, making}, timeout=_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        return looking.result() if looking.done() and looking.exception() is None else None
    finally:
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)


async def _made(visit: Visit, making: asyncio.Task[Response]) -> Response:
    try:
        return await making
    except Exception as error:  # noqa: BLE001 - a person sees what failed, and the log has the cause
        return instead(visit.request, error)


def _main(page: Response) -> str:
    """What a page has between its head and its end."""
    found = _MAIN.search(bytes(page.body).decode())
    return "" if found is None else found[0]
