"""The client for threads: sends calls, one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
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


class Client:
    """Sends calls with one admin token. May be used by several threads; `with` closes its connections.

    `on_behalf_of` is recorded with each change that names nobody else. An `http` of your own has the address as its
    `base_url`, and what connections need, such as certificates; the client closes it.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        retries: Retries | None = None,
        on_behalf_of: str | None = None,
        http: httpx.Client | None = None,
    ) -> None:
        self.http = http or httpx.Client(base_url=url)
        self.http.headers.update(bearer(token))
        self._manner = Manner(retries or Retries(), on_behalf_of=on_behalf_of)

    def send(self, call: Call[T]) -> T:
        """What the call asks for. Raises ClientError."""
        return self.answer(call).value

    def answer(self, call: Call[T]) -> Answer[T]:
        """The same, with what the answer's headers say. Raises ClientError."""
        return self._run(exchange(call, self._manner))

    def items(self, call: Call[Page[Item]]) -> Iterator[Item]:
        """The items of all pages, each page when it is come to. Raises ClientError."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.send(call.asking(cursor=cursor) if cursor else call)
            yield from page.items
            cursor = page.next_cursor

    def follow(self, call: Call[EventPage]) -> Iterator[Event]:
        """Events as they come, without an end; `position` of the last one is where to go on. Raises ClientError."""
        call = patiently(call)
        while True:
            page = self.send(call)
            yield from page.items
            call = call.asking(after=page.next_after)

    def close(self) -> None:
        """Close its connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, steps: Steps[T]) -> T:
        outcome: Reply | Lost | None = None
        while True:
            try:
                step = steps.send(outcome)
            except StopIteration as end:
                value: T = end.value
                return value
            outcome = self._take(step)

    def _take(self, step: Request | Pause) -> Reply | Lost | None:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        try:
            return reply_of(self.http.request(**options_of(step, own_timeout=False)))
        except httpx.TransportError as error:
            return lost(error)
