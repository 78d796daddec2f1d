"""The gateway's table of keys, by settings: where it is, and whether it lives in the log's own database."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext
from typing import Final

import asyncpg
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayError, GatewayTableAbsent
from gateways.tensorzero.append_hook import KeyTableHook, is_same_database
from gateways.tensorzero.key_table import GatewayTable
from gateways.tensorzero.setup import create_index, create_table
from keyledger.runtime.connections import database_ssl
from keyledger.settings import Settings
from registry.db.causes import said
from registry.db.connection import TRANSPORT_ERRORS, make_engine
from registry.errors import Busy

logger = logging.getLogger(__name__)

_ASK_S: Final = 5.0
_EMBEDDED_SCHEMA: Final = "public"


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """Where the gateway's table of keys is, and how its database is reached."""

    url: str = field(repr=False)
    schema: str
    ssl: SSLContext | str | None = None


@dataclass(frozen=True, slots=True)
class GatewayKeys:
    """The table, and what writes to it in the append's transaction, where it is in the log's database."""

    table: GatewayTable
    append_hook: KeyTableHook | None


def gateway_place(settings: Settings) -> GatewayPlace | None:
    """The place that the settings name; None where they name none. Its TLS is that of the log's database."""
    if settings.gateway_database_url is None:
        return None
    return GatewayPlace(settings.gateway_database_url, settings.gateway_schema, database_ssl(settings))


@asynccontextmanager
async def open_gateway(place: GatewayPlace | None, log: AsyncEngine, log_url: str) -> AsyncIterator[GatewayKeys | None]:
    """The gateway's table; None where there is no place. One that is away, or refuses, is opened all the same."""
    if place is None:
        yield None
        return
    engine = make_engine(place.url, ssl=place.ssl)
    try:
        shared = await _shares(place, engine, log, log_url)
        yield GatewayKeys(GatewayTable(engine, place.schema), KeyTableHook(place.schema) if shared else None)
    finally:
        await engine.dispose()


async def embedded_gateway(owner_url: str, app_url: str, *, make: bool) -> GatewayPlace | None:
    """The place in the embedded PostgreSQL: where the table is there already, or is to be made."""
    engine = make_engine(owner_url, ssl="disable")
    try:
        if make:
            await create_table(engine, _EMBEDDED_SCHEMA, reader=make_url(app_url).username)
        await GatewayTable(engine, _EMBEDDED_SCHEMA).check()
        await create_index(engine, _EMBEDDED_SCHEMA)
    except GatewayTableAbsent:
        return None
    except GatewayError as error:
        # The folder opens all the same: how else could it be mended?
        logger.warning("the gateway's table of keys in this folder can't be used: %s", error)
    finally:
        await engine.dispose()
    return GatewayPlace(app_url, _EMBEDDED_SCHEMA, "disable")


async def _shares(place: GatewayPlace, engine: AsyncEngine, log: AsyncEngine, log_url: str) -> bool:
    """Whether the gateway's table is in the log's database. Not known is no: then the sync alone writes it."""
    if same_url(place.url, log_url):
        return True
    try:
        async with asyncio.timeout(_ASK_S):
            return await is_same_database(log, engine)
    except (Busy, asyncpg.PostgresError, *TRANSPORT_ERRORS) as error:
        logger.warning(
            "the gateway's database does not answer (%s): its table of keys is written by the sync alone, and not "
            "together with each change, until this process starts again",
            error.message if isinstance(error, Busy) else said(error),
        )
        return False


def same_url(one: str, other: str) -> bool:
    """Whether two URLs name the same database in the same words, by any login."""
    return _database(make_url(one)) == _database(make_url(other))


def _database(url: URL) -> tuple[object, object, str | None]:
    # A socket's folder, and its port, are in the query.
    return url.host or url.query.get("host"), url.query.get("port") or str(url.port or 5432), url.database
