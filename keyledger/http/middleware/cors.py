"""CORS: which pages of other origins may read our answers; none unless the settings name them."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from keyledger.http.answer.answers import POSITION_HEADER
from keyledger.http.answer.problem import problem
from keyledger.http.keys.gateway import GATEWAY_HEADER
from keyledger.http.middleware.guard import REQUEST_ID_HEADER

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS: Final = (
    "Authorization",
    "Cache-Control",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Keyledger-On-Behalf-Of",
    "Last-Event-ID",
)
_ANSWER_HEADERS: Final = (
    POSITION_HEADER,
    GATEWAY_HEADER,
    REQUEST_ID_HEADER,
    "Age",
    "ETag",
    "Idempotency-Replayed",
    "Retry-After",
)


class Cors(CORSMiddleware):
    """Around a whole app, so that its refusals and failures can be read, too. Cookies play no part: tokens do."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        super().__init__(app, origins, _METHODS, _REQUEST_HEADERS, expose_headers=_ANSWER_HEADERS)

    def preflight_response(self, request_headers: Headers) -> Response:
        """The answer to a browser that asks first; a refusal is a problem, as all are."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTPStatus.OK:
            return answer
        headers = {name: value for name, value in answer.headers.items() if not name.startswith("content-")}
        return problem(answer.status_code, "This origin, method or header is not allowed to pages.", headers=headers)
