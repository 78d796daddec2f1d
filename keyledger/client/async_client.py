"""The client for asyncio: sends calls, any number at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self, TypeVar

import httpx

from keyledger.client.answer import Answer, Reply
from keyledger.client.call import Call, Page
from keyledger.client.calls.events import patiently
from keyledger.client.exchange import Lost, Manner, Pause, Request, Steps, exchange
from keyledger.client.model.events import Event, EventPage
from keyledger.client.retries import Retries
from keyledger.client.transport import bearer, lost, options_of, reply_of

T = TypeVar("T")
Item = TypeVar("Item")


class AsyncClient:
    """Sends calls with one admin token, as `Client` does. It belongs to one event loop."""

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: Retries | None = None,
        on_behalf_of: str | None = None,
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.http = http or httpx.AsyncClient(base_url=url)
        self.http.headers.update(bearer(token))
        self._manner = Manner(retries or Retries(), on_behalf_of=on_behalf_of)
        self._own_timeout = False

    @classmethod
    def over(cls, http: httpx.AsyncClient, *, on_behalf_of: str | None = None) -> Self:
        """Without a token, over a connection that needs none, such as the operator's socket.

        It waits as `http` does, and sends each call once: without a token no answer is kept for who repeats it.
        """
        client = cls.__new__(cls)
        client.http, client._own_timeout = http, True  # noqa: SLF001 - it is our own
        client._manner = Manner(Retries.never(), on_behalf_of=on_behalf_of, idempotency_keys=False)  # noqa: SLF001 - as above
        return client

    async def send(self, call: Call[T]) -> T:
        """What the call asks for. Raises ClientError."""
        return (await self.answer(call)).value

    async def answer(self, call: Call[T]) -> Answer[T]:
        """The same, with what the answer's headers say. Raises ClientError."""
        return await self._run(exchange(call, self._manner))

    async def items(self, call: Call[Page[Item]]) -> AsyncIterator[Item]:
        """The items of all pages, each page when it is come to. Raises ClientError."""
        cursor: str | None = ""
        while cursor is not None:
            page = await self.send(call.asking(cursor=cursor) if cursor else call)
            for item in page.items:
                yield item
            cursor = page.next_cursor

    async def follow(self, call: Call[EventPage]) -> AsyncGenerator[Event, None]:
        """Events as they come, without an end; `position` of the last one is where to go on. Raises ClientError."""
        call = patiently(call)
        while True:
            page = await self.send(call)
            for event in page.items:
                yield event
            call = call.asking(after=page.next_after)

    async def close(self) -> None:
        """Close its connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _run(self, steps: Steps[T]) -> T:
        outcome: Reply | Lost | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                value: T = end.value
                return value
            outcome = await self._take(step)

    async def _take(self, step: Request | Pause) -> Reply | Lost | None:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        try:
            return reply_of(await self.http.request(**options_of(step, own_timeout=self._own_timeout)))
        except httpx.TransportError as error:
            return lost(error)
