"""What routes are given, by type: the caller, the services of the process, and what is made of them.

An app is made with `provide`; nothing else looks into its state.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, Request, Security
from fastapi.responses import Response
from fastapi.security import HTTPBearer

from audit.sources import AuditSources as Sources
from keyledger.http.middleware.request_note import note_of
from keyledger.http.operations.gauges import Gauges as AppGauges
from keyledger.http.request.repeat import repeat_of
from keyledger.http.request.strict_request import on_behalf_of, strict_request
from keyledger.http.request.versions import if_match
from keyledger.runtime.audit_sources import audit_sources
from keyledger.runtime.registry import Registry as OpenRegistry
from keyledger.runtime.services import Services as OpenServices
from keyledger.runtime.serving.health import Health as ProcessHealth
from registry.auth import Principal
from registry.log.event_log import Caller

# Below these a caller needs an admin token.
PROTECTED: Final = ("/admin", "/billing", "/audit", "/verify")
_BEARER = HTTPBearer(
    scheme_name="AdminToken",
    bearerFormat="kl-admin-<12 characters>-<48 characters>",
    description="An admin token with the scope that the call needs. It does not belong in a browser.",
    auto_error=False,
)

Authenticate = Callable[[Request], Awaitable[Principal]]


def provide(
    app: FastAPI,
    health: ProcessHealth,
    services: OpenServices | None = None,
    authenticate: Authenticate | None = None,
) -> AppGauges:
    """Give the routes of an app what they ask for; those of health and metrics need no services and no caller."""
    app.state.health, app.state.gauges = health, AppGauges()
    app.state.services, app.state.authenticate = services, authenticate
    gauges: AppGauges = app.state.gauges
    return gauges


def address_of(request: Request) -> str:
    """The address that a request came from; behind a proxy that of the proxy."""
    return "" if request.client is None else request.client.host


async def principal_of(request: Request, _documented: Annotated[object, Security(_BEARER)] = None) -> Principal:
    """The caller, by the way that the app was made with. Raises Unauthenticated."""
    authenticate: Authenticate = request.app.state.authenticate
    principal = await authenticate(request)
    note_of(request.scope).actor = principal.actor
    return principal


def needs(scope: str, *, confined: bool = False) -> Any:
    """A dependency: the caller, who must have the scope. Raises Unauthenticated, Forbidden.

    `confined`: the route holds all that it shows and does to the confinement of a token; a confined one gets to no
    other.
    """

    async def check(principal: Annotated[Principal, Depends(principal_of)]) -> Principal:
        principal.require(scope, confined=confined)
        return principal

    return Depends(check)


async def services_of(request: Request) -> OpenServices:
    """Both sides of the process."""
    services: OpenServices = request.app.state.services
    return services


async def registry_of(services: Annotated[OpenServices, Depends(services_of)]) -> OpenRegistry:
    """The write side alone."""
    return services.registry


async def sources_of(services: Annotated[OpenServices, Depends(services_of)]) -> Sources:
    """What an audit of the process reads."""
    return audit_sources(services)


async def health_of(request: Request) -> ProcessHealth:
    """What the process says of itself."""
    health: ProcessHealth = request.app.state.health
    return health


async def gauges_of(request: Request) -> AppGauges:
    """The gauges of the app."""
    gauges: AppGauges = request.app.state.gauges
    return gauges


def caller_of(
    request: Request,
    principal: Principal,
    shows: Callable[[Any], Response],
    reason: str | None = None,
) -> Caller:
    """Who asks, as the log records it, the versions that may be changed, and what is kept for a repeat.

    `shows` makes the answer of the result. Raises FieldsRefused, BadRequest.
    """
    request_id, repeat = note_of(request.scope).request_id, repeat_of(request, shows)
    person, versions = on_behalf_of(request), if_match(request)
    return Caller(principal.actor, person, request_id, reason, versions, repeat, principal.confined_to)


Services = Annotated[OpenServices, Depends(services_of)]
Registry = Annotated[OpenRegistry, Depends(registry_of)]
AuditSources = Annotated[Sources, Depends(sources_of)]
Health = Annotated[ProcessHealth, Depends(health_of)]
Gauges = Annotated[AppGauges, Depends(gauges_of)]

KeyReader = Annotated[Principal, needs("keys:read", confined=True)]
KeyWriter = Annotated[Principal, needs("keys:write", confined=True)]
KeyVerifier = Annotated[Principal, needs("keys:verify", confined=True)]
PriceReader = Annotated[Principal, needs("prices:read")]
PriceWriter = Annotated[Principal, needs("prices:write")]
BillReader = Annotated[Principal, needs("billing:read")]
ConfinedBillReader = Annotated[Principal, needs("billing:read", confined=True)]
EventReader = Annotated[Principal, needs("events:read", confined=True)]
Auditor = Annotated[Principal, needs("audit:read")]
Administrator = Annotated[Principal, needs("admin")]

# What routers of callers with a token, and those of the operator, ask of every request.
OF_CALLERS = (Depends(principal_of), Depends(strict_request))
OF_OPERATOR = (Depends(principal_of),)
