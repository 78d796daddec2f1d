"""The log, the current state, and what protects the log from changes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMA = "keyledger"
INSTANT = TIMESTAMP(timezone=True)
CHAIN_RULE = 1

REFUSE_CHANGE = f"""
CREATE FUNCTION {SCHEMA}.refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION 'the table % is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'object_not_in_prerequisite_state';
END
$$
"""


def upgrade() -> None:
    """Create everything."""
    _log()
    _current_state()
    op.execute(REFUSE_CHANGE)
    for table in ("event", "log_identity"):
        # ALWAYS: also in a session that acts as a replica.
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {SCHEMA}.{table} "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse_change()"
        )
        op.execute(f"ALTER TABLE {SCHEMA}.{table} ENABLE ALWAYS TRIGGER {table}_append_only")
    op.execute(
        f"INSERT INTO {SCHEMA}.log_identity (log_id, chain_rule, created_at) "  # noqa: S608 - constants
        f"VALUES (gen_random_uuid(), {CHAIN_RULE}, clock_timestamp())"
    )


def _log() -> None:
    op.create_table(
        "log_identity",
        sa.Column("id", sa.SmallInteger, primary_key=True, server_default="1"),
        sa.Column("log_id", UUID(as_uuid=True), nullable=False),
        sa.Column("chain_rule", sa.SmallInteger, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.CheckConstraint("id = 1", name="log_identity_only"),
        schema=SCHEMA,
    )
    op.create_table(
        "event",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("schema_version", sa.SmallInteger, nullable=False),
        sa.Column("recorded_at", INSTANT, nullable=False),
        sa.Column("effective_at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("on_behalf_of", sa.Text),
        sa.Column("request_id", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("payload_digest", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("stream", "version", name="event_stream_version"),
        schema=SCHEMA,
    )


def _current_state() -> None:
    op.create_table(
        "key_state",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("public_id", sa.Text, nullable=False),
        sa.Column("created_position", sa.BigInteger, nullable=False),
        sa.Column("tags", JSONB, nullable=False),
        sa.Column("expiration", INSTANT),
        sa.Column("revoked_at", INSTANT),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("public_id", name="key_state_public_id"),
        sa.UniqueConstraint("created_position", name="key_state_created_position"),
        schema=SCHEMA,
    )
    op.create_index(
        "key_state_tags",
        "key_state",
        ["tags"],
        schema=SCHEMA,
        postgresql_using="gin",
        postgresql_ops={"tags": "jsonb_path_ops"},
    )
    op.create_table(
        "credential",
        sa.Column("credential_id", sa.Text, primary_key=True),
        sa.Column("public_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
        schema=SCHEMA,
    )
    op.create_index("credential_public_id", "credential", ["public_id"], schema=SCHEMA)
    op.create_table(
        "admin_token",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("token_id", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.Text),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("token_id", name="admin_token_token_id"),
        schema=SCHEMA,
    )
