"""What an operator may create at the gateway: the table itself, and the index that its lookup lacks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from gateways.errors import GatewayNotAllowed, GatewayRefused
from gateways.tensorzero import sql
from gateways.tensorzero.faults import translated
from registry.db.connection import connected, driver_of

INDEX: Final = "keyledger_public_id_text"


async def create_table(engine: AsyncEngine, schema: str, *, reader: str | None = None) -> None:
    """Create the table if it is missing, as the gateway's migrations do.

    `reader` is a role that gets the privileges the sync needs. Raises GatewayUnavailable, GatewayRefused.
    """
    async with _connected(engine, schema) as (connection, driver):
        try:
            await driver.execute(sql.at(schema, "create_table"))
        except (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidSchemaNameError) as error:
            raise GatewayNotAllowed(
                f"the role may not create a table in the schema {schema}, or there is no such schema"
            ) from error
        if reader is not None:
            role = connection.dialect.identifier_preparer.quote_identifier(reader)
            table = f'"{schema}".tensorzero_auth_api_key'
            await driver.execute(
                f'GRANT USAGE ON SCHEMA "{schema}" TO {role}; GRANT SELECT, INSERT, UPDATE ON {table} TO {role};'
                f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {role}"
            )


async def create_index(engine: AsyncEngine, schema: str) -> None:
    """Create the index for the gateway's lookup, without blocking anybody; may take minutes on a large table.

    Rebuilds an index left behind by a failed build. Does nothing if another index already serves. Raises
    GatewayUnavailable, and GatewayRefused, also while somebody else builds the index.
    """
    async with _connected(engine, schema) as (_, driver):
        indexes = await driver.fetch(sql.at(schema, "indexes"))
        if any(one["valid"] for one in indexes):
            return
        if any(one["being_built"] for one in indexes):
            raise GatewayRefused("the index is being built by another session: wait for it")
        statement = sql.at(schema, "create_index")
        try:
            if any(one["name"] == INDEX for one in indexes):
                await driver.execute(sql.at(schema, "drop_index"))
            await driver.execute(statement)
        except asyncpg.InsufficientPrivilegeError as error:
            words = " ".join(line for line in statement.splitlines() if not line.startswith("--"))
            raise GatewayNotAllowed(f"only the table's owner may make its index: let it run {words}") from error
    if await index_missing(engine, schema):
        raise GatewayRefused(f"there is another index {INDEX}, which does not serve the gateway's look-up")


async def index_missing(engine: AsyncEngine, schema: str) -> bool:
    """Whether no index serves the gateway's lookup; an invalid one does not."""
    async with _connected(engine, schema) as (_, driver):
        return not any(row["valid"] for row in await driver.fetch(sql.at(schema, "indexes")))


@asynccontextmanager
async def _connected(engine: AsyncEngine, schema: str) -> AsyncIterator[tuple[Any, Any]]:
    with translated(schema):
        async with connected(engine) as connection:
            yield connection, await driver_of(connection)
