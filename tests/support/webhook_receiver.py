"""A receiver of webhooks on loopback, by real HTTP: it keeps what it gets, and fails when asked to."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook
from starlette.types import Receive, Scope, Send

from keyledger.runtime.serving.server import bind_tcp, serving


@dataclass(frozen=True, slots=True)
class Got:
    """A request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """What it carries."""
        event: dict[str, Any] = json.loads(self.body)
        return event

    @property
    def position(self) -> int:
        """The position of its event."""
        return int(self.event["id"])

    def verify(self, secret: str) -> None:
        """Raise WebhookVerificationError where no signature is of this secret."""
        Webhook(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """Answers with what `answers` says of a request: a status, and headers."""

    url: str = ""
    answers: Callable[[Got], int] = lambda _got: 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    requests: list[Got] = field(default_factory=list)
    taken: list[Got] = field(default_factory=list)
    running: int = 0
    most: int = 0
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    _came: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.hold.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return  # its sender was killed in the middle of it
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        got = Got(scope["path"], headers, body)
        self.requests.append(got)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.hold.wait()
        finally:
            self.running -= 1
        status = self.answers(got)
        if status < 300:
            self.taken.append(got)
        await send({"type": "http.response.start", "status": status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b"<what it says is not kept>"})
        async with self._came:
            self._came.notify_all()

    async def until(self, reached: Callable[[Receiver], bool], timeout_s: float = 30) -> None:
        """Return when it is so."""
        async with asyncio.timeout(timeout_s), self._came:
            await self._came.wait_for(lambda: reached(self))

    def by_stream(self) -> dict[str, list[int]]:
        """The positions that it took, each once, by stream, in the order in which it took them."""
        found: dict[str, list[int]] = defaultdict(list)
        seen: set[str] = set()
        for got in self.taken:
            if (message := got.headers["webhook-id"]) not in seen:
                seen.add(message)
                found[got.event["data"]["stream"]].append(got.position)
        return found


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """A receiver that takes everything."""
    receiver = Receiver()
    with bind_tcp("127.0.0.1", 0) as tcp:
        receiver.url = f"http://127.0.0.1:{tcp.getsockname()[1]}/hook"
        async with serving([(receiver, tcp)]):
            yield receiver
