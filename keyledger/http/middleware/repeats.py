"""Answers a request with an idempotency key once: who repeats it gets the first answer again.

An append keeps its answer in its own transaction. What else is answered, such as a refusal, is kept afterwards; nothing
was changed for it. Answers of 5xx, 401 and 429 are not kept: the same request may be answered otherwise later.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyledger.http.answer.errors import answer_of
from keyledger.http.answer.problem import problem
from keyledger.http.inner_call import inner_call_of
from keyledger.http.keys.gateway import gateway_header
from keyledger.http.middleware.request_note import note_of
from keyledger.http.request.repeat import KEY_HEADER, KeptResponse, OpenRepeat, open_repeat
from keyledger.http.request.request_body import MAX_BODY_BYTES
from keyledger.runtime.registry import Registry
from registry.auth import Principal, bearer_of
from registry.errors import FieldFault, RegistryError
from registry.keys.secrets import secret_of_token
from registry.repeats.sealing import Unreadable, repeat_keys
from registry.repeats.store import KeptAnswer

_METHODS: Final = frozenset({"POST", "PATCH", "DELETE"})
_PASSING: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})
_BELOW: Final = "/admin/"
_NEW_SECRETS: Final = "/admin/api-keys"
_POSITION: Final = "keyledger-position"
_VALUE: Final = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_OTHER: Final = "was used for another request: take a new one for each change, and the same one to repeat it"

Authenticate = Callable[[Request], Awaitable[Principal]]


class Repeats:
    """ASGI middleware around the routes and what answers their errors."""

    def __init__(self, app: ASGIApp, registry: Registry, authenticate: Authenticate) -> None:
        self._app = app
        self._registry = registry
        self._authenticate = authenticate
        self._running: set[bytes] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        token_secret = _token_secret(scope) if _is_meant(scope) else None
        if token_secret is None:
            await self._app(scope, receive, send)
            return
        values = Headers(scope=scope).getlist(KEY_HEADER)
        if len(values) > 1 or not _VALUE.fullmatch(values[0]):
            fault = FieldFault(KEY_HEADER, "must be one header of 1 to 255 visible ASCII characters")
            await _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, fault)(scope, receive, send)
            return
        body, ended = await _read(receive)
        if not ended:
            open_repeat(scope, None)  # too large: the route says so
            await self._app(scope, _given(body, receive, more=True), send)
            return
        keys = repeat_keys(self._registry.log.log_id, token_secret, values[0])
        parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], body)
        repeat = OpenRepeat(keys, keys.digest(parts))
        await self._once(repeat, scope, _given(body, receive, more=False), send)

    async def _once(self, repeat: OpenRepeat, scope: Scope, receive: Receive, send: Send) -> None:
        if repeat.id in self._running:
            words = "The first request under this Idempotency-Key is still under way: try again."
            await problem(HTTPStatus.CONFLICT, words, headers={"Retry-After": "1"})(scope, receive, send)
            return
        self._running.add(repeat.id)
        try:
            answer = await self._answer(repeat, scope, receive)
        except RegistryError as error:
            note_of(scope).failed = error
            answer = answer_of(error)
        finally:
            self._running.discard(repeat.id)
        await answer(scope, receive, send)

    async def _answer(self, repeat: OpenRepeat, scope: Scope, receive: Receive) -> Response:
        """The first answer, made now or kept before. Raises Busy."""
        kept = await self._registry.kept_answers.find(repeat.id)
        if kept is None:
            open_repeat(scope, repeat)
            answer = await _answer_of(self._app, scope, receive)
            if repeat.is_kept or answer.status_code >= 500 or answer.status_code in _PASSING:
                return answer
            sealed = repeat.sealed(KeptResponse.of(answer))
            if await self._registry.kept_answers.keep(repeat.id, KeptAnswer(repeat.digest, sealed)):
                return answer
            kept = await self._registry.kept_answers.find(repeat.id)  # another process was first
            if kept is None:
                return answer
        principal = await self._authenticate(Request(scope))
        note_of(scope).actor = principal.actor
        if kept.digest != repeat.digest:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, FieldFault(KEY_HEADER, _OTHER))
        return await self._again(repeat, kept, scope)

    async def _again(self, repeat: OpenRepeat, kept: KeptAnswer, scope: Scope) -> Response:
        try:
            answer = repeat.opened(kept.sealed).again()
        except Unreadable:
            words = "What was kept for this Idempotency-Key can't be read: see whether the change was made."
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, words)
        if answer.status_code == HTTPStatus.CREATED and scope["path"].startswith(_NEW_SECRETS):
            position = int(answer.headers[_POSITION])
            answer.headers.update(await gateway_header(position, self._registry.gateway_wait))
        return answer


def _is_meant(scope: Scope) -> bool:
    """Whether an idempotency key of the request means something; the routes refuse it where not."""
    if scope["type"] != "http" or KEY_HEADER not in Headers(scope=scope):
        return False
    return scope["method"] in _METHODS and scope["path"].startswith(_BELOW)


def _token_secret(scope: Scope) -> str | None:
    """The secret part of the caller's token; None where it has not the form of one, which the routes refuse."""
    if (inner := inner_call_of(scope)) is not None:
        return inner.secret
    return secret_of_token(bearer_of(Headers(scope=scope).get("authorization")))


async def _read(receive: Receive) -> tuple[bytes, bool]:
    """The body, and whether that is all of it: what is over the limit is not read."""
    body = bytearray()
    while len(body) <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            return bytes(body), True  # the caller has left
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body), len(body) <= MAX_BODY_BYTES
    return bytes(body), False


def _given(body: bytes, receive: Receive, *, more: bool) -> Receive:
    """What gives the body once more, and then what comes after it."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": more}

    return again


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """The whole answer of an app."""
    start: Message = {}
    body = bytearray()

    async def take(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        else:
            body.extend(message.get("body", b""))

    await app(scope, receive, take)
    answer = Response(bytes(body), start["status"])
    answer.raw_headers = list(MutableHeaders(raw=list(start["headers"])).raw)
    return answer


def _refusal(status: HTTPStatus, fault: FieldFault) -> Response:
    return problem(status, f"{fault.field} {fault.message}", [fault])
