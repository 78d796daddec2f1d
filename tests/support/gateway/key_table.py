"""The gateway's table of keys in a database: made as its gateway would, with a row of its own, and read back."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from gateways.tensorzero.setup import create_table
from registry.db.connection import make_engine
from tests.support.servers.databases import Database

FOREIGN = """
INSERT INTO tensorzero_auth_api_key (organization, workspace, description, public_id, hash, expires_at, updated_at)
VALUES ('default', 'default', 'made by the gateway', 'Foreign00001', repeat('e', 64), now() + '1 day', '2026-01-01')
"""


async def make_table(database: Database, schema: str = "public") -> None:
    """The gateway's table, owned by the database's owner as the gateway would be; the sync's role may use it."""
    engine = make_engine(database.owner_url)
    await create_table(engine, schema, reader=make_url(database.app_url).username)
    await engine.dispose()


async def everything(database: Database) -> list[tuple[object, ...]]:
    """Every row of the table with all of its columns, and the transaction that wrote it."""
    async with database.connect() as owner:
        rows = await owner.fetch("SELECT xmin::text, xmax::text, * FROM tensorzero_auth_api_key ORDER BY public_id")
    return [tuple(row) for row in rows]
