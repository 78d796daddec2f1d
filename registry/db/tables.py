"""The tables of the log's database, as SQLAlchemy sees them. The migrations create them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, UUID

SCHEMA = "keyledger"
_INSTANT = TIMESTAMP(timezone=True)

metadata = MetaData(schema=SCHEMA)

# Always one row: the identity of this log.
log_identity = Table(
    "log_identity",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("log_id", UUID(as_uuid=True), nullable=False),
    Column("chain_rule", SmallInteger, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    CheckConstraint("id = 1", name="log_identity_only"),
)

# The log. Grants and triggers make sure that rows are never changed or removed.
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

# The current state of keys, written in the append's transaction by the same `evolve`. The document holds all of it; the
# other columns exist to filter by.
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
    Column("organization", Text, nullable=False),
    Column("workspace", Text, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("search", Text, nullable=False),  # see `registry.keys.search`
    Column("tags_due_at", _INSTANT),  # when a scheduled change makes `tags` and `search` stale
    UniqueConstraint("public_id", name="key_state_public_id"),
    UniqueConstraint("created_position", name="key_state_created_position"),
    Index("key_state_tags", "tags", postgresql_using="gin", postgresql_ops={"tags": "jsonb_path_ops"}),
    Index(
        "key_state_tag_names",
        func.jsonb_path_query_array(literal_column("tags"), literal_column("""'$.keyvalue()."key"'::jsonpath""")).label(
            "tag_names"
        ),
        postgresql_using="gin",
        postgresql_ops={"tag_names": "jsonb_path_ops"},
    ),
    Index("key_state_workspace", "organization", "workspace", "created_position"),
    Index("key_state_created_at", "created_at"),
    Index("key_state_expiration", "expiration", postgresql_where=text("expiration IS NOT NULL")),
    Index("key_state_suspended_at", "suspended_at", postgresql_where=text("suspended_at IS NOT NULL")),
    Index("key_state_tags_due_at", "tags_due_at", postgresql_where=text("tags_due_at IS NOT NULL")),
    Index("key_state_revoked_at", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL")),
)

# Every credential points to its key. The hash of a secret is stored here and nowhere else; without it (restored from an
# archive that had none) the secret opens nothing.
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
    Column("last_used_at", _INSTANT),  # no part of the log: see `registry.tokens.last_use`
    UniqueConstraint("token_id", name="admin_token_token_id"),
)

# The current state of prices, as that of keys. Model, provider and number of tags say which prices can tie.
price_state = Table(
    "price_state",
    metadata,
    Column("stream", Text, primary_key=True),
    Column("price_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("provider", Text),
    Column("tag_count", Integer, nullable=False),
    Column("created_position", BigInteger, nullable=False),
    Column("document", Text, nullable=False),
    UniqueConstraint("price_id", name="price_state_price_id"),
    UniqueConstraint("created_position", name="price_state_created_position"),
    Index("price_state_place", "model", "provider", "tag_count"),
)

# How far the relay has published to a topic. `failure` is what stops it, for `status` in another process.
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

# How far a gateway's own key table has followed, and what its sync has found there. `target` identifies the table
# itself, so that a different one is filled from the start.
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

# Which parts run: one row per process and part, renewed every few seconds and taken away at a clean stop. `leads` is
# NULL where no lead is needed; `succeeded_at` is when it last did its work.
heartbeat = Table(
    "heartbeat",
    metadata,
    Column("instance", UUID(as_uuid=True), primary_key=True),
    Column("part", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started_at", _INSTANT, nullable=False),
    Column("leads", Boolean),
    Column("beat_at", _INSTANT, nullable=False),
    Column("succeeded_at", _INSTANT),
)

# The answers to requests with an idempotency key, for a day: see `registry.repeats`. Nothing in a row can be read
# without the caller's own keys.
kept_answer = Table(
    "kept_answer",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("kept_at", _INSTANT, nullable=False),
    Index("kept_answer_kept_at", "kept_at"),
)

# One row at most: how the last full verify ended. `failure` is why it could not be finished; `findings` is NULL then.
last_verify = Table(
    "last_verify",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("ended_at", _INSTANT, nullable=False),
    Column("position", BigInteger),
    Column("findings", BigInteger),
    Column("failure", Text),
    CheckConstraint("id = 1", name="last_verify_only"),
)

# Who is sent the events of the log that come after its creation: see `registry.webhooks`. The place in the log is that
# up to which deliveries were taken for it. A deleted one keeps its row, for who asks who had made it, and nothing
# to sign or to send. `delivered`, `failed` and `died` count attempts, for metrics.
webhook = Table(
    "webhook",
    metadata,
    Column("webhook_id", UUID(as_uuid=True), primary_key=True),
    Column("number", BigInteger, Identity(always=True), nullable=False),
    Column("url", Text, nullable=False),
    Column("types", ARRAY(Text)),
    Column("log_id", UUID(as_uuid=True), nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("created_at", _INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_for", Text),
    Column("deleted_at", _INSTANT),
    Column("deleted_by", Text),
    Column("deleted_for", Text),
    Column("delivered", BigInteger, nullable=False, server_default="0"),
    Column("failed", BigInteger, nullable=False, server_default="0"),
    Column("died", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("number", name="webhook_number"),
)

# What deliveries are signed with, as it is: who signs must have it. `ends_at` is set by a rotation.
webhook_secret = Table(
    "webhook_secret",
    metadata,
    Column("webhook_id", UUID(as_uuid=True), primary_key=True),
    Column("made_at", _INSTANT, primary_key=True),
    Column("ends_at", _INSTANT),
    Column("secret", Text, nullable=False),
)

# One row per event and webhook. Of the pending ones of a stream only the first has a `next_attempt_at`: the others wait
# for it. `tried_since` is when it was taken or replayed, `ended_at` when it was delivered or given up.
webhook_delivery = Table(
    "webhook_delivery",
    metadata,
    Column("webhook_id", UUID(as_uuid=True), primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("taken_at", _INSTANT, nullable=False),
    Column("tried_since", _INSTANT, nullable=False),
    Column("next_attempt_at", _INSTANT),
    Column("last_attempt_at", _INSTANT),
    Column("last_status", SmallInteger),
    Column("last_error", Text),
    Column("ended_at", _INSTANT),
    CheckConstraint("status IN ('pending', 'delivered', 'dead')", name="webhook_delivery_status"),
    Index("webhook_delivery_streams", "webhook_id", "stream", "position", postgresql_where=text("status = 'pending'")),
    Index(
        "webhook_delivery_due", "webhook_id", "next_attempt_at", postgresql_where=text("next_attempt_at IS NOT NULL")
    ),
    Index("webhook_delivery_open", "webhook_id", "status", "position", postgresql_where=text("status <> 'delivered'")),
    Index("webhook_delivery_ended", "ended_at", postgresql_where=text("ended_at IS NOT NULL")),
)

# One row: how often rows of states were rebuilt without an event, so that nobody goes on with what was there before.
state_rebuild = Table(
    "state_rebuild",
    metadata,
    Column("id", SmallInteger, primary_key=True, server_default="1"),
    Column("count", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("id = 1", name="state_rebuild_only"),
)

# Who is logged in to the console: the hash of what the cookie holds. `token_id` is NULL for the machine's operator,
# `person` where no provider said who it is.
console_session = Table(
    "console_session",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),
    Column("token_id", Text),
    Column("begun_at", _INSTANT, nullable=False),
    Column("ends_at", _INSTANT, nullable=False),
    Column("person", Text),
)

# Addresses that log the operator in, each once: the hash of the code in it.
console_login = Table(
    "console_login",
    metadata,
    Column("code_hash", LargeBinary, primary_key=True),
    Column("ends_at", _INSTANT, nullable=False),
)
