"""The outermost layer of an app: times and logs each request by its route alone, and answers what nobody caught.

Neither query strings, bodies, headers nor the texts of foreign exceptions reach the log: those can quote values.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Any, Final

from prometheus_client import CollectorRegistry, Histogram
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyledger.http.answer.problem import problem
from keyledger.http.middleware.outages import Outages
from keyledger.http.middleware.request_note import RequestNote, note_of
from keyledger.runtime.diagnostics.causes import causes

logger = logging.getLogger("keyledger.http")

REQUEST_ID_HEADER: Final = "Keyledger-Request-Id"
MAX_RUNNING: Final = 2000  # requests at once; more are refused at once
_HEALTH: Final = "/healthz"  # answered whatever else waits
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Guard:
    """ASGI middleware around a whole app. `name` is that of its times in `metrics`, `level` that of its usual lines."""

    def __init__(
        self,
        app: ASGIApp,
        metrics: CollectorRegistry,
        name: str = "keyledger_http_request_seconds",
        level: int = logging.INFO,
    ) -> None:
        self._app = app
        self._level = level
        self._running = 0
        self._outages = Outages()
        self._seconds = Histogram(
            name,
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
        began, note = time.monotonic(), note_of(scope)

        async def watched(message: Message) -> None:
            _watch(message, note)
            await send(message)

        try:
            await self._serve(scope, receive, watched, note)
        finally:
            self._log(scope, note, time.monotonic() - began)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, note: RequestNote) -> None:
        if self._running >= MAX_RUNNING and scope["path"] != _HEALTH:
            busy = problem(503, "Too many requests are under way: try again.", headers={"Retry-After": "1"})
            await busy(scope, receive, send)
            return
        self._running += 1
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            note.status = note.status or 499  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 - the last resort, so that no caller sees a bare failure
            note.failed = error
            if not note.status:
                answer = problem(500, "Something failed here. It was logged; nothing of your request was.")
                await answer(scope, receive, send)
        finally:
            self._running -= 1

    def _log(self, scope: Scope, note: RequestNote, seconds: float) -> None:
        # The route's template, never the path: a path holds ids, and whatever a caller put there by mistake.
        route = getattr(scope.get("route"), "path", "unrouted")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._seconds.labels(method, route, str(note.status)).observe(seconds)
        call = f"{method} {route}"
        if note.status == 503 and note.failed is not None:
            self._outages.refused(call, note.failed)
        elif 200 <= note.status < 400 and not note.broken:
            self._outages.answered(call)
        milliseconds = round(seconds * 1000, 1)
        fields: dict[str, Any] = {"request_id": note.request_id, "actor": note.actor, "method": method, "route": route}
        fields |= {"status": note.status, "duration_ms": milliseconds}
        text = f"{call} {note.status} {milliseconds} ms, request {note.request_id} by {note.actor or 'nobody known'}"
        if note.broken:
            fields["cause"] = _cause(note)
            text += f": {fields['cause']}"
        logger.log(_level(route, note, self._level), "%s", text, extra={"fields": fields})


def _watch(message: Message, note: RequestNote) -> None:
    """Note the answer, and give it the request's id."""
    if message["type"] == "http.response.start":
        note.status = message["status"]
        MutableHeaders(scope=message)[REQUEST_ID_HEADER] = note.request_id
    elif note.status >= 500 and note.detail is None:
        note.detail = _detail(message.get("body", b""))


def _detail(body: bytes) -> str | None:
    """What a problem says to the caller; it quotes nothing that the caller sent."""
    try:
        problem: Any = json.loads(body)
        return str(problem["detail"])
    except (ValueError, LookupError, TypeError):
        return None


def _level(route: str, note: RequestNote, usual: int) -> int:
    if note.broken:
        return logging.WARNING if note.status == 503 else logging.ERROR
    return logging.DEBUG if route == _HEALTH else usual  # every command and probe asks it


def _cause(note: RequestNote) -> str:
    """Why it failed; unless it is known to pass, also where in the code."""
    error = note.failed
    if error is None:
        return note.detail or "not known"
    if note.status == 503:
        return causes(error)
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    return f"{causes(error)}, at {' < '.join(reversed(places[-12:]))}"
