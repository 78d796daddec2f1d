"""Runs the migrations on the connection that `registry.db.migrate` hands over; there is no alembic.ini."""

from __future__ import annotations

from alembic import context

from registry.db.tables import SCHEMA, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table_schema=SCHEMA,
    include_schemas=True,
)
with context.begin_transaction():
    context.run_migrations()
