"""Puts the apps together: the public one on TCP, and the operator's, which is reached over the data folder's socket."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from keyledger.console.app import add_console
from keyledger.http.answer import errors
from keyledger.http.audit import diff, explain, export, state, verify
from keyledger.http.audit import history as audit_history
from keyledger.http.billing import compare, focus, inferences
from keyledger.http.billing import usage as billing
from keyledger.http.dependencies import PROTECTED, Authenticate, address_of, principal_of, provide
from keyledger.http.events import feed
from keyledger.http.inner_call import inner_call_of
from keyledger.http.keys import bulk, history, keys, lifecycle, usage
from keyledger.http.keys import verify as verify_key
from keyledger.http.middleware.cors import Cors
from keyledger.http.middleware.guard import Guard
from keyledger.http.middleware.repeats import Repeats
from keyledger.http.openapi.document import openapi
from keyledger.http.openapi.names import operation_id
from keyledger.http.openapi.page import add_page
from keyledger.http.operations import health, metrics
from keyledger.http.operations.gauges import Gauges
from keyledger.http.operator import (
    clock,
    console,
    credentials,
    dead_letters,
    imports,
    load,
    publish,
    repair,
    replay,
    sql,
    status,
)
from keyledger.http.operator import prices as import_of_prices
from keyledger.http.operator import (
    tokens as operator_tokens,
)
from keyledger.http.policy import policy
from keyledger.http.prices import prices
from keyledger.http.request.percent_encoding import PercentEncoding
from keyledger.http.tokens import tokens
from keyledger.http.webhooks import deliveries, webhooks
from keyledger.runtime.services import Services
from keyledger.runtime.serving.health import Failure, Health, RecentStatus, none
from registry.auth import OPERATOR, Principal
from registry.errors import RegistryError

_DESCRIPTION = "Event-sourced API-key registry with key-bound tags, and bills that can be proved again."

_OPERATIONS: Final = (health.router, metrics.router)
_PUBLIC: Final = (
    bulk.router,
    keys.router,
    history.router,
    lifecycle.router,
    usage.router,
    verify_key.router,
    tokens.router,
    policy.router,
    prices.router,
    billing.router,
    compare.router,
    inferences.router,
    focus.router,
    feed.router,
    webhooks.router,
    deliveries.router,
    audit_history.router,
    state.router,
    diff.router,
    explain.router,
    verify.router,
    export.router,
    *_OPERATIONS,
)
_OPERATOR: Final = (
    *_PUBLIC,
    status.router,
    clock.router,
    console.router,
    dead_letters.router,
    publish.router,
    operator_tokens.router,
    sql.router,
    load.router,
    imports.router,
    import_of_prices.router,
    credentials.router,
    replay.router,
    repair.router,
)


def public_app(services: Services, failure: Failure = none) -> FastAPI:
    """The admin and billing API, for callers with an admin token."""

    async def by_token(request: Request) -> Principal:
        if (inner := inner_call_of(request.scope)) is not None:
            return inner.principal
        return await services.registry.gate.caller(request.headers.get("authorization"), address_of(request))

    app = _app(services, failure, by_token, _PUBLIC)
    add_console(app, services.settings)
    if (origins := services.settings.http_origins) is not None:
        app.add_middleware(Cors, origins.split(","))
    return app


def operator_app(services: Services, failure: Failure = none, origin: str | None = None) -> FastAPI:
    """The same, and more, for the operator of the machine: who can open the socket may do all. Never put it on TCP.

    `origin` is where the process serves the console, if it does; the settings may know another for browsers.
    """

    async def by_socket(_request: Request) -> Principal:
        return Principal(OPERATOR)

    app = _app(services, failure, by_socket, _OPERATOR, operator=True)
    app.state.origin = services.settings.console_url or origin
    return app


def operations_app(process: Health, *, full: bool = False) -> FastAPI:
    """Health and metrics alone, of a process that serves nothing else; `full` for this machine, as `open_status`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.state.operator = full
    gauges = provide(app, process)
    for router in _OPERATIONS:
        app.include_router(router)
    errors.install(app)
    return _guarded(app, gauges)


def public_document() -> dict[str, Any]:
    """The OpenAPI document of the public app, without what stands behind it."""
    return _described(_PUBLIC).openapi()


def _app(
    services: Services, failure: Failure, by: Authenticate, routers: tuple[APIRouter, ...], *, operator: bool = False
) -> FastAPI:
    app = _described(routers)
    app.state.operator = operator
    gauges = provide(app, Health(RecentStatus(services.quick_status), failure), services, by)
    errors.install(app, services, full=operator)
    app.add_exception_handler(HTTPException, _nothing_here)
    if not operator:
        app.add_middleware(Repeats, services.registry, by)
    return _guarded(app, gauges)


def _described(routers: tuple[APIRouter, ...]) -> FastAPI:
    """The routes, and the document and page that describe them."""
    app = FastAPI(
        title="Keyledger",
        version=version("keyledger"),
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
    )
    for router in routers:
        app.include_router(router)
    add_page(app)
    app.openapi = lambda: openapi(app)  # type: ignore[method-assign]
    return app


def _guarded(app: FastAPI, gauges: Gauges) -> FastAPI:
    """Put around the routes what is for every request; what is added last is outermost.

    Within the framework's own last resort, which would answer a failure with plain text before the guard sees it.
    """
    app.add_middleware(PercentEncoding)
    app.add_middleware(Guard, gauges.registry)
    return app


async def _nothing_here(request: Request, error: Exception) -> Response:
    """404 and 405, which below the protected paths are for those alone who may look there."""
    try:
        if request.url.path.startswith(PROTECTED):
            await principal_of(request)
    except RegistryError as refusal:
        return errors.answer_of(refusal)
    return await errors.framework_error(request, error)
