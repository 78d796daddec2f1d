"""The long reads of one request: in the loop of reads, within the caller's share, and only while the caller waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Request
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from keyledger.http.answer import ndjson
from keyledger.http.answer.answers import position_headers
from keyledger.http.dependencies import principal_of, services_of
from keyledger.http.middleware.request_note import note_of
from keyledger.http.request.while_connected import while_connected
from keyledger.runtime.services import Services
from keyledger.runtime.serving.concurrency_limit import ConcurrencyLimit
from keyledger.runtime.serving.reading import Reading, next_of
from keyledger.runtime.serving.server import stopping_of
from projections.engine.client import for_request
from registry.auth import Principal

_T = TypeVar("_T")
SSE: Final = "text/event-stream"
# Proxies such as nginx hold an answer back until it is whole, unless it says that they should not.
UNBUFFERED: Final = {"X-Accel-Buffering": "no"}


class RequestReads:
    """What a route asks of the loop of reads; the work is given the services of that loop."""

    def __init__(self, request: Request, reading: Reading[Services], actor: str) -> None:
        self._request = request
        self._reading = reading
        self._actor = actor

    async def page(self, work: Callable[[Services], Coroutine[Any, Any, _T]]) -> _T:
        """The result of the work, in the caller's turn. Raises TooManyOfOne, Busy, and what the work raises."""
        return await while_connected(self._request, self._in_turn(self._reading.pages, work))

    async def bill(self, work: Callable[[Services], Coroutine[Any, Any, _T]]) -> _T:
        """The same, for work that reads the gateway's rows."""
        return await while_connected(self._request, self._in_turn(self._reading.bills, work))

    def audit(self, parts: Callable[[Services], AsyncGenerator[ndjson.Part, None]], position: int) -> StreamingResponse:
        """NDJSON of what the generator gives; sending it raises TooManyOfOne and Busy before it begins."""
        full = self._request.app.state.operator
        lines = self._reading.stream(lambda services: ndjson.lines(parts(services), full=full))
        return _InTurn(self._reading.audits, self._actor, lines, position)

    def feed(self, events: AsyncGenerator[bytes, None], position: int) -> StreamingResponse:
        """Server-sent events until the server stops; sending them raises TooManyOfOne and Busy before they begin."""
        until_stop = _until(stopping_of(self._request.scope), events)
        return _Held(self._reading.feeds, self._actor, until_stop, position)

    async def _in_turn(self, gate: ConcurrencyLimit, work: Callable[[Services], Coroutine[Any, Any, _T]]) -> _T:
        async def of_request(services: Services) -> _T:
            with for_request(note_of(self._request.scope).request_id):
                return await work(services)

        async with gate.enter(self._actor):
            return await self._reading.run(of_request)


class _Held(StreamingResponse):
    """What is sent when it is the caller's turn."""

    media_type = SSE

    def __init__(self, gate: ConcurrencyLimit, actor: str, parts: AsyncGenerator[Any, None], position: int) -> None:
        super().__init__(parts, media_type=self.media_type, headers={**position_headers(position), **UNBUFFERED})
        self._gate = gate
        self._actor = actor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._gate.enter(self._actor):
            await super().__call__(scope, receive, send)


class _InTurn(_Held):
    """Lines."""

    media_type = ndjson.MEDIA_TYPE


async def _until(stop: asyncio.Event, items: AsyncGenerator[_T, None]) -> AsyncGenerator[_T, None]:
    """The items, up to the stop."""
    stopped = asyncio.create_task(stop.wait())
    coming: asyncio.Task[_T | None] | None = None
    try:
        while True:
            coming = asyncio.create_task(next_of(items))
            await asyncio.wait({coming, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not coming.done() or (item := coming.result()) is None:
                return
            yield item
    finally:
        ending = [one for one in (coming, stopped) if one is not None]
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
        await items.aclose()


async def reads_of(
    request: Request,
    services: Annotated[Services, Depends(services_of)],
    principal: Annotated[Principal, Depends(principal_of)],
) -> RequestReads:
    """The loop of reads, for this caller."""
    if services.reading is None:
        raise TypeError("these services are those of the loop of reads itself")
    return RequestReads(request, services.reading, principal.caller)


Reads = Annotated[RequestReads, Depends(reads_of)]
