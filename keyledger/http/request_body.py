"""Reads a request strictly: what can't be understood in one way only is refused, with the field named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from keyledger.http.problem import BadRequest
from registry.errors import FieldFault, FieldsRefused

MAX_BODY_BYTES: Final = 1 << 20
MAX_ON_BEHALF_OF: Final = 200
JSON: Final = ("application/json",)
MERGE_PATCH: Final = ("application/merge-patch+json", "application/json")
# Headers that will mean something one day: until then they are refused, never ignored.
_NOT_YET: Final = ("idempotency-key", "if-match")

Model = TypeVar("Model", bound=BaseModel)


def _whole(value: Any) -> int:
    if isinstance(value, int):
        return value
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18):
        raise PydanticCustomError("whole", "must be a whole number, 0 or greater")
    return int(value)


Whole = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int), Field(ge=0, lt=10**18)]


def json_body(
    model: type[Model], media_types: tuple[str, ...], *, optional: bool = False
) -> Callable[[Request], Awaitable[Model]]:
    """A dependency that reads the body as `model`. Raises BadRequest (400, 413, 415) or ValidationError (422).

    `optional`: no body and no content type is an empty object.
    """

    async def read(request: Request) -> Model:
        if optional and "content-type" not in request.headers and not await _bounded_body(request):
            return model()
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in media_types:
            message = f"the body must be {' or '.join(media_types)}"
            raise BadRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message)
        return model.model_validate(_parse(await _bounded_body(request)))

    return read


def body_docs(model: type[BaseModel], media_types: tuple[str, ...], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a route whose body `json_body` reads."""
    schema = model.model_json_schema()
    return {"requestBody": {"required": required, "content": {kind: {"schema": schema} for kind in media_types}}}


async def strict_request(request: Request) -> None:
    """A dependency of every route: refuses what would otherwise be ignored or mended in silence."""
    for header in _NOT_YET:
        if header in request.headers:
            message = f"the header {header.title()} is not supported yet: send the request without it"
            raise BadRequest(HTTPStatus.BAD_REQUEST, message)
    has_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if has_body and request.method in {"GET", "DELETE"}:
        raise BadRequest(HTTPStatus.BAD_REQUEST, f"{request.method} takes no body")
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


def _refuse_ambiguous_query(request: Request) -> None:
    """Refuse bad encoding, and a name given twice that the route does not take as a list."""
    try:
        pairs = parse_qsl(
            request.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=1000,
        )
    except ValueError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the query string is not percent-encoded UTF-8") from None
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1} - _repeatable(request))
    if twice:
        raise FieldsRefused(*(FieldFault(name[:100], "is given more than once") for name in twice))


def _repeatable(request: Request) -> set[str]:
    extra = getattr(request.scope.get("route"), "openapi_extra", None) or {}
    return set(extra.get("x-repeatable", ()))


async def _bounded_body(request: Request) -> bytes:
    too_large = BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is over {MAX_BODY_BYTES} bytes")
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise too_large
    return bytes(body)


def _parse(body: bytes) -> Any:
    """The body as JSON: UTF-8, each name once, no NaN, no lone surrogates, not nested beyond sense."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_each_name_once, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except _DuplicateName:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the body has a name twice in one object") from None
    except UnicodeEncodeError:
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the body has a lone surrogate") from None
    except (ValueError, RecursionError):
        raise BadRequest(HTTPStatus.BAD_REQUEST, "the body is not JSON in UTF-8") from None
    return value


class _DuplicateName(ValueError):
    """A JSON object has a name twice."""


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _DuplicateName
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(name)
