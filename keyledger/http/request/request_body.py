"""Reads a request's body strictly: what can't be understood in one way only is refused, with the field named."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from keyledger.http.answer.problem import BadRequest

MAX_BODY_BYTES: Final = 1 << 20
JSON: Final = ("application/json",)
MERGE_PATCH: Final = ("application/merge-patch+json", "application/json")

Model = TypeVar("Model", bound=BaseModel)


class Body(BaseModel):
    """A request body: unknown members are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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
