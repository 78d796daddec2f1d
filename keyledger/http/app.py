"""Puts the apps together: the public one on TCP, and the operator's, which is reached over the data folder's socket."""

from __future__ import annotations

from contextlib import suppress
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from audit.errors import AuditError, UnknownInference
from keyledger.http import audit as audit_api
from keyledger.http import health, problem
from keyledger.http.billing import usage as billing
from keyledger.http.guard import Guard
from keyledger.http.health import Failure, Gauges, Health, none
from keyledger.http.keys import keys as api
from keyledger.http.keys import lifecycle
from keyledger.http.keys import usage as key_usage
from keyledger.http.operator import operator as operator_api
from keyledger.http.operator.imports import router as import_router
from keyledger.http.request_body import MAX_ON_BEHALF_OF
from keyledger.runtime.services import Services
from keyledger.settings import SettingsError
from projections.errors import (
    ClickHouseError,
    ClickHouseUnavailable,
    FeedUnavailable,
    GatewayTablesMissing,
    ProjectionError,
)
from projections.usage.gateway_tables import reason_of
from registry.auth import OPERATOR, Principal, authenticate
from registry.errors import RegistryError

PROTECTED = ("/admin", "/billing", "/audit")
_DESCRIPTION = "Event-sourced API-key registry with key-bound tags, and bills that can be proved again."


def public_app(services: Services, failure: Failure = none) -> ASGIApp:
    """The admin and billing API, for callers with an admin token."""

    async def by_token(request: Request) -> Principal:
        return await authenticate(request.headers.get("authorization"), services.registry.queries)

    return _app(services, failure, by_token)


def operator_app(services: Services, failure: Failure = none) -> ASGIApp:
    """The same, and more, for the operator of the machine: who can open the socket may do all. Never put it on TCP."""

    async def by_socket(_request: Request) -> Principal:
        return Principal(OPERATOR)

    return _app(services, failure, by_socket, operator_api.router, audit_api.operator_router, import_router)


def operations_app(health_: Health) -> ASGIApp:
    """Health and metrics alone, of a process that serves nothing else."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.health, app.state.gauges = health_, Gauges()
    app.include_router(health.router)
    problem.install(app)
    return Guard(app, app.state.gauges.registry)


def _app(services: Services, failure: Failure, by: api.Authenticate, *more: Any) -> ASGIApp:
    app = FastAPI(
        title="Keyledger",
        version=version("keyledger"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.services, app.state.registry = services, services.registry
    app.state.health = Health(services.status, failure)
    app.state.authenticate, app.state.gauges = by, Gauges()
    keys = (api.router, lifecycle.router, key_usage.router)
    for router in (*keys, billing.router, audit_api.router, health.router, *more):
        app.include_router(router)
    problem.install(app)
    app.add_exception_handler(ProjectionError, _projection_error)
    app.add_exception_handler(AuditError, _audit_error)
    app.add_exception_handler(SettingsError, _settings_error)
    app.add_exception_handler(HTTPException, _nothing_here)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    return Guard(app, app.state.gauges.registry)


async def _nothing_here(request: Request, error: Exception) -> Response:
    """404 and 405, which below the protected paths are for those alone who may look there."""
    try:
        if request.url.path.startswith(PROTECTED):
            await api.principal_of(request)
    except RegistryError as refusal:
        return await problem.registry_error(request, refusal)
    return await problem.http_error(request, error)


async def _settings_error(_request: Request, error: Exception) -> JSONResponse:
    return problem.problem(HTTPStatus.CONFLICT, f"not set up for this: {error}")


async def _audit_error(_request: Request, error: Exception) -> JSONResponse:
    status = HTTPStatus.NOT_FOUND if isinstance(error, UnknownInference) else HTTPStatus.CONFLICT
    return problem.problem(status, str(error))


async def _projection_error(request: Request, error: Exception) -> JSONResponse:
    services: Services = request.app.state.services
    with suppress(ClickHouseError):
        error = await reason_of(services.clickhouse, services.names, error) or error
    if isinstance(error, (ClickHouseUnavailable, FeedUnavailable, GatewayTablesMissing)):
        return problem.problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error), headers={"Retry-After": "1"})
    return problem.problem(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The generated document with what the framework can't know: the Problem schema and the header of claims."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        problem_schema = problem.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas.update(problem_schema.pop("$defs"))
        schemas["Problem"] = problem_schema
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                if path.startswith("/admin") and method != "get":
                    operation.setdefault("parameters", []).append(_ON_BEHALF_OF)
        app.openapi_schema = document
    return app.openapi_schema


_ON_BEHALF_OF = {
    "name": "Keyledger-On-Behalf-Of",
    "in": "header",
    "required": False,
    "description": "The person for whom the caller acts: recorded with the event as a claim.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MAX_ON_BEHALF_OF},
}
