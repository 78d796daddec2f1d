"""Refuses what would otherwise be ignored or mended in silence: headers without a meaning, ambiguous queries."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request

from keyledger.http.answer.problem import BadRequest
from keyledger.http.request.repeat import KEY_HEADER, may_repeat
from keyledger.http.request.versions import IF_MATCH
from registry.errors import FieldFault, FieldsRefused

MAX_ON_BEHALF_OF: Final = 200
# Those that an answer may name; what else stands in the header may be anything.
_CODINGS: Final = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"})


async def strict_request(request: Request) -> None:
    """A dependency of every route: refuses what would otherwise be ignored or mended in silence."""
    if KEY_HEADER in request.headers and not may_repeat(request):
        message = "the header Idempotency-Key goes with POST, PATCH and DELETE below /admin alone, and an admin token"
        raise BadRequest(HTTPStatus.BAD_REQUEST, message)
    if IF_MATCH in request.headers and not _extra(request).get("x-if-match"):
        raise BadRequest(
            HTTPStatus.BAD_REQUEST, "the header If-Match goes with changes of a key or the tag policy alone"
        )
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if has_body and request.method in {"GET", "DELETE"}:
        raise BadRequest(HTTPStatus.BAD_REQUEST, f"{request.method} takes no body")
    _refuse_codings(request)
    _refuse_ambiguous_query(request)


def on_behalf_of(request: Request) -> str | None:
    """The caller's claim of a person, from its header. Raises FieldsRefused."""
    values = [value for name, value in request.headers.raw if name == b"keyledger-on-behalf-of"]
    if not values:
        return None
    try:
        text = values[0].decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if len(values) > 1 or not 1 <= len(text) <= MAX_ON_BEHALF_OF or not text.isprintable():
        message = f"must be one header of 1 to {MAX_ON_BEHALF_OF} printable characters in UTF-8"
        raise FieldsRefused(FieldFault("Keyledger-On-Behalf-Of", message))
    return text


def _refuse_codings(request: Request) -> None:
    given = ",".join(request.headers.getlist("content-encoding")).lower().split(",")
    coded = [one.strip() for one in given if one.strip() not in {"", "identity"}]
    if coded:
        names = " and ".join(one if one in _CODINGS else "one that is not known here" for one in coded[:5])
        message = f"the body has the content coding {names}: send it as it is, without Content-Encoding"
        faults = (FieldFault("Content-Encoding", "must be identity, or not be given"),)
        raise BadRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, faults, {"Accept-Encoding": "identity"})


def _refuse_ambiguous_query(request: Request) -> None:
    """Refuse a name given twice that the route does not take as a list."""
    try:
        pairs = parse_qsl(request.scope["query_string"].decode("ascii"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the query string has more than 1,000 parameters") from None
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1} - _repeatable(request))
    if twice:
        raise FieldsRefused(*(FieldFault(name[:100], "is given more than once") for name in twice))


def _repeatable(request: Request) -> set[str]:
    return set(_extra(request).get("x-repeatable", ()))


def _extra(request: Request) -> dict[str, Any]:
    return getattr(request.scope.get("route"), "openapi_extra", None) or {}
