"""Which status each error is answered with: one table, and the handlers that read it.

No message quotes what the caller sent but names of fields: a secret that went astray must not come back or reach a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from audit.errors import AuditError, UnknownInference
from keyledger.http.answer.answers import POSITION_HEADER
from keyledger.http.answer.problem import BadRequest, problem
from keyledger.http.middleware.request_note import note_of
from keyledger.runtime.services import Services
from keyledger.settings import SettingsError
from projections.errors import (
    BillLimitReached,
    ClickHouseError,
    ClickHouseUnavailable,
    FeedUnavailable,
    GatewayTablesMissing,
    ProjectionError,
    RowsMissing,
    UsageNotProved,
)
from projections.usage.gateway_tables import reason_of
from registry.errors import (
    AlreadyAnswered,
    Busy,
    Conflict,
    FieldFault,
    FieldsRefused,
    Forbidden,
    KeyledgerError,
    RegistryError,
    TooManyOfOne,
    Unauthenticated,
    UnknownKey,
    VersionConflict,
)

MAX_FIELD: Final = 200
# Answered like GET, which alone is in /openapi.json: a second operation for each would only lengthen it.
_HEAD_TOO: Final = frozenset({"/healthz", "/readyz", "/metrics"})

# The first that fits counts. A 503 says when to try again.
STATUS: Final[tuple[tuple[type[Exception], HTTPStatus], ...]] = (
    (UnknownKey, HTTPStatus.NOT_FOUND),
    (UnknownInference, HTTPStatus.NOT_FOUND),
    (VersionConflict, HTTPStatus.PRECONDITION_FAILED),
    (Conflict, HTTPStatus.CONFLICT),
    (AlreadyAnswered, HTTPStatus.CONFLICT),
    (Forbidden, HTTPStatus.FORBIDDEN),
    (Unauthenticated, HTTPStatus.UNAUTHORIZED),
    (FieldsRefused, HTTPStatus.UNPROCESSABLE_ENTITY),
    (TooManyOfOne, HTTPStatus.TOO_MANY_REQUESTS),
    (Busy, HTTPStatus.SERVICE_UNAVAILABLE),
    (BillLimitReached, HTTPStatus.SERVICE_UNAVAILABLE),
    (ClickHouseUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (FeedUnavailable, HTTPStatus.SERVICE_UNAVAILABLE),
    (GatewayTablesMissing, HTTPStatus.SERVICE_UNAVAILABLE),
    (RowsMissing, HTTPStatus.SERVICE_UNAVAILABLE),
    (UsageNotProved, HTTPStatus.CONFLICT),
    (AuditError, HTTPStatus.CONFLICT),
    (SettingsError, HTTPStatus.CONFLICT),
    (ProjectionError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (RegistryError, HTTPStatus.INTERNAL_SERVER_ERROR),
)
_FAMILIES: Final = (RegistryError, ProjectionError, AuditError, SettingsError)


def install(app: FastAPI, services: Services | None = None, *, full: bool = False) -> None:
    """Answer every error that the routes or the framework raise; `services` say why ClickHouse refused.

    `full`: the answer names hosts and users, too; else the log alone does.
    """

    async def failed(request: Request, error: Exception) -> JSONResponse:
        note_of(request.scope).failed = error
        if services is not None and isinstance(error, ClickHouseError):
            with suppress(ClickHouseError):
                error = await reason_of(services.clickhouse, services.names, error) or error
        return answer_of(error, full=full)

    for family in _FAMILIES:
        app.add_exception_handler(family, failed)
    app.add_exception_handler(BadRequest, _bad_request)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(ValidationError, _validation_error)
    app.add_exception_handler(HTTPException, framework_error)


def answer_of(error: Exception, *, full: bool = False) -> JSONResponse:
    """The answer for an error of ours; `full`: also with what callers need not know."""
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    headers = {}
    if isinstance(error, RegistryError) and error.position is not None:
        headers[POSITION_HEADER] = str(error.position)
    if status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}:
        headers["Retry-After"] = str(error.retry_after_s if isinstance(error, Busy | TooManyOfOne) else 1)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    faults = error.faults if isinstance(error, FieldsRefused) else ()
    detail = f"not set up for this: {error}" if isinstance(error, SettingsError) else words_for(error, full=full)
    return problem(status, detail, faults, headers)


def words_for(error: Exception, *, full: bool = False) -> str:
    """What callers read of an error of ours. The line of the request in the log has all of it."""
    return error.public if isinstance(error, KeyledgerError) and not full else str(error)


async def framework_error(request: Request, error: Exception) -> JSONResponse:
    """The answer for what the framework refuses: 404 and 405."""
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    headers = dict(error.headers or {})
    path = getattr(request.scope.get("route"), "path", None)
    operations = request.app.openapi()["paths"].get(path)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and operations:
        # The framework's own header names the methods of the path's first route alone.
        methods = {method.upper() for method in operations} | ({"HEAD"} if path in _HEAD_TOO else set())
        headers["Allow"] = ", ".join(sorted(methods))
    details = {404: "There is nothing at this path.", 405: "The path exists, but not with this method."}
    return problem(error.status_code, details.get(error.status_code, str(error.detail)), (), headers)


async def _bad_request(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadRequest)  # noqa: S101 - for the type checker
    return problem(error.status, error.detail, error.faults, error.headers)


async def _validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - for the type checker
    faults = [FieldFault(_field(_named(one["loc"], request)), _message(one)) for one in error.errors()[:100]]
    detail = "; ".join(f"{fault.field}: {fault.message}" for fault in faults[:10])
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults)


def _named(location: tuple[Any, ...], request: Request) -> tuple[Any, ...]:
    """Of a repeatable parameter that is given once, its name alone: which of several is no question then."""
    given_once = location[:1] == ("query",) and len(request.query_params.getlist(str(location[1]))) == 1
    return location[:2] if given_once else location


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
