"""The version of the database's schema: the number of the last migration that was run on it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Select, column, select, table

from registry.db.tables import SCHEMA
from registry.errors import SchemaTooNew

# The last of `migrations/versions`.
SCHEMA_VERSION: Final = "0016"
# Where Alembic keeps that of a database.
READ_VERSION: Final[Select[tuple[str]]] = select(column("version_num")).select_from(
    table("alembic_version", schema=SCHEMA)
)


def refuse_newer(found: Iterable[str]) -> None:
    """Raise SchemaTooNew if a later version of Keyledger migrated the database."""
    for version in found:
        if version > SCHEMA_VERSION:
            raise SchemaTooNew(version, SCHEMA_VERSION)
