"""The public API on real parts, with tokens of several strengths: what the tests of HTTP talk to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import httpx
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import ASGIApp

from keyledger.http.app import public_app
from keyledger.runtime.gateway_wait import GatewayWait
from keyledger.runtime.registry import registry_on
from keyledger.runtime.services import Services
from keyledger.runtime.serving.reading import Reading
from keyledger.settings import Settings
from projections.billing.recent_bills import RecentBills
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from projections.ledger.dead_letters import DeadLetters
from projections.ledger.presence import Presence
from projections.ledger.store import Store
from registry.log.append.append_hook import AppendHook
from registry.log.append.limits import Limits
from registry.log.event_log import Caller
from registry.log.postgres import open_log
from registry.queries import Queries
from registry.tokens.service import NewToken
from registry.tokens.state import SCOPES
from tests.support.servers.databases import Database

OPERATOR = Caller("operator")
PROBLEM = "application/problem+json"
TOKENS = {
    "admin": SCOPES,
    "writer": ("keys:read", "keys:write"),
    "reader": ("keys:read",),
    "billing": ("billing:read",),
    "auditor": ("audit:read",),
    "revoked": SCOPES,
}


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the app in this process, and what stands behind it."""

    app: ASGIApp
    client: httpx.AsyncClient
    services: Services
    tokens: Mapping[str, str] = field(repr=False)
    token_ids: Mapping[str, str]

    def bearer(self, name: str) -> dict[str, str]:
        """The header of one of the tokens."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    async def call(self, method: str, path: str, *, by: str = "admin", **kwargs: Any) -> httpx.Response:
        """One request, with a token unless the caller gives a header of their own."""
        headers = {**self.bearer(by), **kwargs.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **kwargs)

    async def make_key(self, **body: Any) -> dict[str, Any]:
        """A new key as its answer shows it."""
        answer = await self.call("POST", "/admin/api-keys", json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def patch(self, public_id: str, body: Mapping[str, Any], *, by: str = "admin", **query: str) -> Any:
        """The answer to a merge patch."""
        return await self.call("PATCH", f"/admin/api-keys/{public_id}", by=by, json=body, params=query)

    @property
    def reading(self) -> Reading[Services]:
        """The loop of long reads."""
        assert self.services.reading is not None
        return self.services.reading

    async def head(self) -> int:
        """The head of the log."""
        return (await self.services.registry.log.head()).position


@asynccontextmanager
async def open_api(
    database: Database,
    clickhouse: ClickHouse,
    names: Names,
    append_hook: AppendHook | None = None,
    gateway: Callable[[Queries], GatewayWait] | None = None,
    settings: Settings | None = None,
) -> AsyncIterator[Api]:
    """The app on a database of its own, with a token of each strength, and a gateway to wait for where one is given."""
    opened = partial(
        _services,
        database,
        clickhouse,
        names,
        append_hook,
        gateway,
        settings or Settings(bad_tokens_per_minute=1_000_000),
    )
    async with opened() as bare, Reading(opened) as reading:
        services = replace(bare, reading=reading)
        tokens = services.registry.tokens
        made = {name: await tokens.create(NewToken(name, scopes), OPERATOR) for name, scopes in TOKENS.items()}
        await tokens.revoke(made["revoked"].token.token_id, OPERATOR)
        app = public_app(services)
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://keyledger") as client:
            yield Api(
                app,
                client,
                services,
                {name: one.text for name, one in made.items()},
                {name: one.token.token_id for name, one in made.items()},
            )


@asynccontextmanager
async def _services(
    database: Database,
    clickhouse: ClickHouse,
    names: Names,
    append_hook: AppendHook | None,
    gateway: Callable[[Queries], GatewayWait] | None,
    settings: Settings,
) -> AsyncIterator[Services]:
    engine = create_async_engine(
        database.app_url, hide_parameters=True, connect_args={"server_settings": {"timezone": "UTC"}}
    )
    log = await open_log(engine, Limits(lock_timeout_s=0.5), append_hook)
    registry = registry_on(log, engine, settings)
    if gateway is not None:
        registry = replace(registry, gateway_wait=gateway(registry.queries))
    store, letters = Store(clickhouse, names), DeadLetters(clickhouse, names)
    try:
        recent = RecentBills(clickhouse, names)
        yield Services(registry, clickhouse, names, store, letters, Presence(clickhouse, names), recent_bills=recent)
    finally:
        await registry.webhooks.receiver.close()
        await log.close()
        await engine.dispose()


def assert_problem(answer: httpx.Response, status: int, field: str | None = None) -> None:
    """A problem+json of the status that names the field."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "errors"}
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    if field is not None:
        assert field in [error["field"] for error in problem["errors"]], problem
    assert all(error["message"] for error in problem["errors"])
