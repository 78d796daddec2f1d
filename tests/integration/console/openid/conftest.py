"""A provider, and an API whose console people log in to at it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from keyledger.settings import Settings
from projections.engine.client import ClickHouse
from projections.engine.ddl import Names
from tests.support.api.service import Api, open_api
from tests.support.console import ORIGIN
from tests.support.openid_log_ins import ANNA, roles
from tests.support.openid_provider import CLIENT_ID, CLIENT_SECRET, OpenIdProvider, providing
from tests.support.servers.databases import Database


@pytest.fixture
async def provider() -> AsyncIterator[OpenIdProvider]:
    """A provider that knows Anna of finance."""
    async with providing() as made:
        made.people["anna"] = dict(ANNA)
        yield made


@pytest.fixture
async def api(database: Database, clickhouse: ClickHouse, provider: OpenIdProvider) -> AsyncIterator[Api]:
    """The API, whose console people log in to at the provider; roles come with `roles`."""
    settings = Settings(
        console_url=ORIGIN,
        openid_issuer=provider.issuer,
        openid_client_id=CLIENT_ID,
        openid_client_secret=CLIENT_SECRET,
        openid_roles='{"nobody": "000000000000"}',
    )
    async with open_api(database, clickhouse, Names(), settings=settings) as made:
        roles(made, operations=made.token_ids["admin"], finance=made.token_ids["writer"])
        yield made
