"""Reads a request's body strictly: what can't be understood in one way only is refused, with the field named."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import BaseModel, ConfigDict

from keyledger.http.answer.problem import BadRequest
from keyledger.http.request.strict_json import parse

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

    `optional`: no body is an empty object, with a right content type or without one.
    """

    async def read(request: Request) -> Model:
        given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if given not in media_types and not (optional and "content-type" not in request.headers):
            raise _wrong_type(media_types)
        body = await bounded_body(request)
        if optional and not body:
            return model()
        if given not in media_types:
            raise _wrong_type(media_types)
        return model.model_validate(parse(body))

    return read


def body_docs(model: type[BaseModel], media_types: tuple[str, ...], *, required: bool = True) -> dict[str, Any]:
    """The `openapi_extra` of a route whose body `json_body` reads."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": required, "content": {kind: {"schema": schema} for kind in media_types}}}


def _wrong_type(media_types: tuple[str, ...]) -> BadRequest:
    return BadRequest(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"the body must be {' or '.join(media_types)}")


async def bounded_body(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """The body. Raises BadRequest (413), before the rest of it is read."""
    too_large = BadRequest(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is over {most} bytes")
    stated = request.headers.get("content-length", "0")
    if stated.isdigit() and int(stated) > most:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise too_large
    return bytes(body)
