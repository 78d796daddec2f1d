"""The tables of the log's database, as SQLAlchemy sees them. The migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

SCHEMA = "keyledger"
_INSTANT = TIMESTAMP(timezone=True)

metadata = MetaData(schema=SCHEMA)

# One row for ever: what this log is.
log_identity = Table(
    "log_identity",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("log_id", UUID(as_uuid=True), nullable=False),
    Column("chain_rule", SmallInteger, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    CheckConstraint("id = 1", name="log_identity_only"),
)

# The log. Rows are never changed or removed: grants and triggers see to it.
event = Table(
    "event",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("schema_version", SmallInteger, nullable=False),
    Column("recorded_at", _INSTANT, nullable=False),
    Column("effective_at", _INSTANT, nullable=False),
    Column("actor", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("request_id", Text),
    Column("reason", Text),
    Column("payload", LargeBinary, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("payload_digest", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    UniqueConstraint("stream", "version", name="event_stream_version"),
)

# The current state of keys, written in the append's transaction by the same `evolve`. The document is all of it; the
# columns beside it are there to be filtered by.
key_state = Table(
    "key_state",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("public_id", Text, nullable=False),
    Column("created_position", BigInteger, nullable=False),
    Column("tags", JSONB, nullable=False),
    Column("expiration", _INSTANT),
    Column("revoked_at", _INSTANT),
    Column("document", Text, nullable=False),
    Column("suspended_at", _INSTANT),
    UniqueConstraint("public_id", name="key_state_public_id"),
    UniqueConstraint("created_position", name="key_state_created_position"),
    Index("key_state_tags", "tags", postgresql_using="gin", postgresql_ops={"tags": "jsonb_path_ops"}),
)

# Every credential leads to its key. The hash of a secret is here and nowhere else; without it (restored from an archive
# that had none) the secret opens nothing.
credential = Table(
    "credential",
    metadata,
    Column("credential_id", Text, primary_key=True),
    Column("public_id", Text, nullable=False),
    Column("secret_hash", Text),
    Index("credential_public_id", "public_id"),
    Index("credential_secret_hash", "secret_hash"),
)

admin_token = Table(
    "admin_token",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("token_id", Text, nullable=False),
    Column("secret_hash", Text),
    Column("document", Text, nullable=False),
    UniqueConstraint("token_id", name="admin_token_token_id"),
)

# How far the relay has published to a topic. The failure is what stops it, for `status` of another process.
relay_checkpoint = Table(
    "relay_checkpoint",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("log_id", UUID(as_uuid=True), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("failure", Text),
    Column("updated_at", _INSTANT, nullable=False),
)

# How far a gateway's own table of keys has followed, and what its sync has found there; `target` names the very table
# that it was, so that another one is filled from the beginning.
gateway_sync = Table(
    "gateway_sync",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("log_id", UUID(as_uuid=True), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("target", Text),
    Column("failure", Text),
    Column("drift_repaired", BigInteger, nullable=False, server_default="0"),
    Column("without_hash", BigInteger, nullable=False, server_default="0"),
    Column("index_missing", Boolean, nullable=False, server_default="false"),
    Column("reconciled_at", _INSTANT),
    Column("updated_at", _INSTANT, nullable=False),
)
