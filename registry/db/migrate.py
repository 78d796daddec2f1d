"""Brings the log's database to this version's shape and gives the application's role what it needs, and no more."""

from __future__ import annotations

from importlib.resources import files
from ssl import SSLContext
from typing import Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from registry.db.connection import make_engine
from registry.db.tables import SCHEMA

# The text `keyl-mig` as a number: two migrations never run at once.
_MIGRATION_LOCK: Final = int.from_bytes(b"keyl-mig")
# The log is appended to and read; nothing in it can be changed or removed by the application.
_GRANTS: Final = {
    "event": "SELECT, INSERT",
    "log_identity": "SELECT",
    "credential": "SELECT, INSERT",
    "key_state": "SELECT, INSERT, UPDATE",
    "admin_token": "SELECT, INSERT, UPDATE",
    "relay_checkpoint": "SELECT, INSERT, UPDATE",
    "gateway_sync": "SELECT, INSERT, UPDATE",
    "alembic_version": "SELECT",
}


async def migrate(owner_url: str, app_url: str | None = None, *, ssl: SSLContext | str | None = None) -> None:
    """Migrate as the owner. Idempotent. `app_url` names the application's role, whose grants are set anew; `ssl`: see
    `make_engine`.

    Without a role of its own (None, or the same user) the application owns the tables: the triggers alone guard the
    log.
    """
    engine = make_engine(owner_url, ssl=ssl)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
            await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
            await connection.run_sync(_upgrade)
            role = None if app_url is None else make_url(app_url).username
            if role is not None and role != make_url(owner_url).username:
                await connection.run_sync(_grant, role)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(files("registry.db") / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _grant(connection: Connection, role: str) -> None:
    quoted = connection.dialect.identifier_preparer.quote_identifier(role)
    connection.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA {SCHEMA} FROM {quoted}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {quoted}"))
    for table, rights in _GRANTS.items():
        connection.execute(text(f"GRANT {rights} ON {SCHEMA}.{table} TO {quoted}"))
