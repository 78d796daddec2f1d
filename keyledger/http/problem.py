"""Every error as application/problem+json (RFC 9457): the title says what kind, `errors` names each wrong field.

No message quotes what the caller sent but names of fields: a secret that went astray must not come back or reach a log.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from registry.errors import (
    Busy,
    Conflict,
    FieldFault,
    FieldsRefused,
    Forbidden,
    RegistryError,
    Unauthenticated,
    UnknownKey,
)

MAX_FIELD: Final = 200
MEDIA_TYPE: Final = "application/problem+json"
POSITION_HEADER: Final = "Keyledger-Position"

_STATUS: Final[tuple[tuple[type[RegistryError], HTTPStatus], ...]] = (
    (UnknownKey, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (FieldsRefused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
)


class FieldError(BaseModel):
    """One wrong field."""

    field: str = Field(examples=["tags.customer_id"])
    message: str


class Problem(BaseModel):
    """An error (RFC 9457)."""

    type: str = Field(examples=["urn:keyledger:problem:422"])
    title: str
    status: int
    detail: str
    errors: list[FieldError] = []


class BadRequest(Exception):
    """A request that can't be read: `status` is 400, 413 or 415."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status, self.detail = status, detail
        super().__init__(detail)


def problem(
    status: int,
    detail: str,
    errors: Iterable[FieldFault] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer for an error."""
    content = {
        "type": f"urn:keyledger:problem:{int(status)}",
        "title": HTTPStatus(status).phrase,
        "status": int(status),
        "detail": detail,
        "errors": [{"field": fault.field, "message": fault.message} for fault in errors],
    }
    return JSONResponse(content, status, headers=headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for OpenAPI."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({400, 401, 403, 500, 503, *statuses})
    }


def install(app: FastAPI) -> None:
    """Answer every error that the routes or the framework raise."""
    app.add_exception_handler(RegistryError, registry_error)
    app.add_exception_handler(BadRequest, _bad_request)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_error)


async def registry_error(_request: Request, error: Exception) -> JSONResponse:
    """The answer for a RegistryError."""
    assert isinstance(error, RegistryError)  # noqa: S101 - for the type checker
    status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    headers = {}
    if error.position is not None:
        headers[POSITION_HEADER] = str(error.position)
    if isinstance(error, Busy):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    faults = error.faults if isinstance(error, FieldsRefused) else ()
    return problem(status, error.message, faults, headers)


async def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadRequest)  # noqa: S101 - for the type checker
    return problem(error.status, error.detail)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - for the type checker
    faults = [FieldFault(_field(one["loc"]), _message(one)) for one in error.errors()[:100]]
    detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:10])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults)


async def http_error(request: Request, error: Exception) -> JSONResponse:
    """The answer for what the framework refuses: 404 and 405."""
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    headers = dict(error.headers or {})
    operations = request.app.openapi()["paths"].get(getattr(request.scope.get("route"), "path", None))
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and operations:
        # The framework's own header names the methods of the path's first route alone.
        headers["Allow"] = ", ".join(sorted(method.upper() for method in operations))
    details = {404: "There is nothing at this path.", 405: "The path exists, but not with this method."}
    return problem(error.status_code, details.get(error.status_code, str(error.detail)), (), headers)


def _field(location: tuple[Any, ...]) -> str:
    parts = [str(part) for part in location if part not in {"query", "body", "header", "path"}]
    # A name that the caller made up may be anything, a secret too: its beginning is enough to find it.
    return ".".join(part[:MAX_FIELD] for part in parts) or "body"


def _message(error: Mapping[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not known here: look for a misspelling"
    if error["type"] == "missing":
        return "is required"
    if error["type"] == "model_type":
        return "must be a JSON object of names and values"
    if error["type"] == "string_too_long":
        return f"must be at most {error['ctx']['max_length']} characters"
    return str(error["msg"])
