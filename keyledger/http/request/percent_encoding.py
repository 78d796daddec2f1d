"""Refuses targets whose percent-encoding the framework would mend in silence: `%zz`, and bytes that are no UTF-8."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, unquote_to_bytes

from starlette.types import ASGIApp, Receive, Scope, Send

from keyledger.http.answer.problem import problem
from registry.errors import FieldFault

_BROKEN: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_MAX_NAME: Final = 100
_MAX_FAULTS: Final = 100
_WORDS: Final = "must be percent-encoded UTF-8: two hexadecimal digits after each %, and %25 for a % itself"


class PercentEncoding:
    """ASGI middleware in front of the routes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 400 that names what is wrong, `path` or a query parameter, or go on."""
        if scope["type"] == "http" and (faults := _faults(scope)):
            detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:10])
            await problem(HTTPStatus.BAD_REQUEST, detail, faults)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _faults(scope: Scope) -> list[FieldFault]:
    query: bytes = scope["query_string"]
    if b"%" not in query and b"%" not in scope["raw_path"]:
        return []  # what is not ASCII, the parser has refused
    faults = [] if _is_right(scope["raw_path"]) else [FieldFault("path", _WORDS)]
    for pair in query.split(b"&"):
        if not _is_right(pair):
            name = unquote(pair.partition(b"=")[0].replace(b"+", b" "))
            faults.append(FieldFault(name[:_MAX_NAME] or "query", _WORDS))
    return faults[:_MAX_FAULTS]


def _is_right(part: bytes) -> bool:
    try:
        unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return False
    return _BROKEN.search(part) is None
