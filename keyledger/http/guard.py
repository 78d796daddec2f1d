"""The outermost layer of an app: times and logs each request by its route alone, and answers what nobody caught.

Neither query strings, bodies, headers nor the texts of exceptions reach the log: an exception's text can quote values.
"""

from __future__ import annotations

import logging
import time
import traceback
from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyledger.http.answer.problem import problem

logger = logging.getLogger("keyledger.http")

_HEALTH: Final = "/healthz"  # answered whatever else waits
MAX_RUNNING: Final = 2000  # requests at once; more are refused at once
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


@dataclass(slots=True)
class _Answer:
    """What has been sent so far."""

    status: int = 0


class Guard:
    """ASGI middleware around a whole app."""

    def __init__(self, app: ASGIApp, metrics: CollectorRegistry) -> None:
        self._app = app
        self._running = 0
        self._seconds = Histogram(
            "keyledger_http_request_seconds",
            "Time to answer a request.",
            ("method", "route", "status"),
            registry=metrics,
            buckets=_BUCKETS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._running >= MAX_RUNNING and scope["path"] != _HEALTH:
            busy = problem(503, "Too many requests are under way: try again.", headers={"Retry-After": "1"})
            await busy(scope, receive, send)
            return
        began, sent = time.monotonic(), _Answer()
        self._running += 1

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                sent.status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except ClientDisconnect:
            sent.status = sent.status or 499  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 - the last resort, so that no caller sees a bare failure
            _log_failure(error)
            if not sent.status:
                answer = problem(500, "Something failed here. It was logged; nothing of your request was.")
                await answer(scope, receive, watched)
        finally:
            self._running -= 1
            self._note(scope, sent.status, time.monotonic() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's template, never the path: a path holds ids, and whatever a caller put there by mistake.
        route = getattr(scope.get("route"), "path", "unrouted")
        method = scope["method"] if scope["method"] in {"GET", "POST", "PATCH", "DELETE"} else "other"
        self._seconds.labels(method, route, str(status)).observe(seconds)
        level = logging.DEBUG if route == _HEALTH else logging.INFO  # every command and probe asks it
        logger.log(level, "%s %s %d %.1f ms", method, route, status, seconds * 1000)


def _log_failure(error: BaseException) -> None:
    """The kinds of the error and of its causes, and where in the code; never their texts."""
    kinds: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(kinds) < 10:
        kinds.append(type(cause).__qualname__)
        cause = cause.__cause__ or cause.__context__
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    logger.error("unhandled %s at %s", " from ".join(kinds), " < ".join(reversed(places[-12:])))
