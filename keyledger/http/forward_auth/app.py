"""The app of the forward-auth listener. It answers every method and path alike, by the API key of the request alone.

nginx's `auth_request`, Envoy's `ext_authz` over HTTP and Traefik's ForwardAuth ask it; docs/forward-auth.md says how.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from keyledger.http.answer.errors import answer_of
from keyledger.http.forward_auth.answers import answer_to, refusal
from keyledger.http.forward_auth.shown_key import shown_key
from keyledger.http.middleware.guard import Guard
from keyledger.http.middleware.request_note import note_of
from registry.errors import Busy, RegistryError
from registry.verify.known_keys import KnownKeys

# Less than proxies wait: they must read that it is not known, rather than guess.
PATIENCE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Route:
    """What the log and the metrics call every request: its own path is not ours to write down."""

    path: str = "forward-auth"


def forward_auth_app(known_keys: KnownKeys, metrics: CollectorRegistry) -> ASGIApp:
    """The app. Its times are in `metrics`, under a name of their own; its requests are logged for those who debug."""
    return Guard(ForwardAuth(known_keys), metrics, "keyledger_forward_auth_seconds", level=logging.DEBUG)


class ForwardAuth:
    """ASGI app: 200 for a key that works, 401, 403, and 503 where it can't be known. Records and quotes nothing."""

    def __init__(self, known_keys: KnownKeys) -> None:
        self._known_keys = known_keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Its body is not read."""
        scope["route"] = _Route()
        shown = shown_key(scope["headers"])
        try:
            answer = refusal("missing") if shown is None else await self._looked_up(shown)
        except RegistryError as error:
            note_of(scope).failed = error
            answer = answer_of(error if isinstance(error, Busy) else Busy("The key can't be looked up now: try again."))
        await answer(scope, receive, send)

    async def _looked_up(self, shown: str) -> Response:
        try:
            async with asyncio.timeout(PATIENCE_S):
                return answer_to(await self._known_keys.verify(shown))
        except TimeoutError as error:
            raise Busy(f"The key could not be looked up within {PATIENCE_S:.0f} s: try again.") from error
