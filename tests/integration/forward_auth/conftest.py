"""The API and the app of the forward-auth listener, on one registry."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.types import ASGIApp

from keyledger.http.forward_auth.app import forward_auth_app
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from registry.verify.known_keys import following
from tests.support.api.service import Api, open_api
from tests.support.servers.databases import Database


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse) -> AsyncIterator[Api]:
    """The API on a fresh log, with the tail that feeds the memory of keys."""
    async with open_api(database, clickhouse, Names()) as made, following(made.services.registry.known_keys):
        yield made


@pytest.fixture
def metrics() -> CollectorRegistry:
    """Where the listener's times go."""
    return CollectorRegistry()


@pytest.fixture
def listener(api: Api, metrics: CollectorRegistry) -> ASGIApp:
    """The app that proxies ask."""
    return forward_auth_app(api.services.registry.known_keys, metrics)


@pytest.fixture
async def proxy(listener: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """A client of it, as a proxy is one."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(listener), base_url="http://keyledger") as client:
        yield client
