"""Migrates the log's database to this version and grants the application's role what it needs, and nothing more."""

from __future__ import annotations

from importlib.resources import files
from ssl import SSLContext
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url

from registry.db.connection import begun, make_engine, translated
from registry.db.schema_version import refuse_newer
from registry.db.tables import SCHEMA

# The text `keyl-mig` as a number. The lock keeps two migrations from running at once.
_MIGRATION_LOCK: Final = int.from_bytes(b"keyl-mig")
# The application appends to the log and reads it; it can't change or remove anything in it.
_GRANTS: Final = {
    "event": "SELECT, INSERT",
    "log_identity": "SELECT",
    "credential": "SELECT, INSERT",
    "key_state": "SELECT, INSERT, UPDATE",
    "admin_token": "SELECT, INSERT, UPDATE",
    "price_state": "SELECT, INSERT, UPDATE",
    "relay_checkpoint": "SELECT, INSERT, UPDATE",
    "gateway_sync": "SELECT, INSERT, UPDATE",
    "heartbeat": "SELECT, INSERT, UPDATE, DELETE",
    "last_verify": "SELECT, INSERT, UPDATE",
    "kept_answer": "SELECT, INSERT, UPDATE, DELETE",
    "webhook": "SELECT, INSERT, UPDATE",
    "webhook_secret": "SELECT, INSERT, UPDATE, DELETE",
    "webhook_delivery": "SELECT, INSERT, UPDATE, DELETE",
    "state_rebuild": "SELECT, UPDATE",
    "console_session": "SELECT, INSERT, UPDATE, DELETE",
    "console_login": "SELECT, INSERT, DELETE",
    "alembic_version": "SELECT",
}


async def migrate(owner_url: str, app_url: str | None = None, *, ssl: SSLContext | str | None = None) -> None:
    """Migrate as the owner. Idempotent. For `ssl` see `make_engine`.

    `app_url` names the application's role, whose grants are reset. Without a role of its own (None, or the same user)
    the application owns the tables, and only the triggers protect the log. Raises SchemaTooNew,
    DatabaseAway.
    """
    engine = make_engine(owner_url, ssl=ssl)
    try:
        with translated(engine):
            async with begun(engine) as connection:
                await connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
                await connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
                await connection.run_sync(_upgrade)
                role = None if app_url is None else make_url(app_url).username
                if role is not None and role != make_url(owner_url).username:
                    await connection.run_sync(_grant, role)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    refuse_newer(MigrationContext.configure(connection, opts={"version_table_schema": SCHEMA}).get_current_heads())
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
