"""Webhooks, what they are signed with, and their deliveries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Empty: until now nothing was sent to anybody."""
    op.create_table(
        "webhook",
        sa.Column("webhook_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("number", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("types", postgresql.ARRAY(sa.Text)),
        sa.Column("log_id", postgresql.UUID(as_uuid=True), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_for", sa.Text),
        sa.Column("deleted_at", _INSTANT),
        sa.Column("deleted_by", sa.Text),
        sa.Column("deleted_for", sa.Text),
        sa.Column("delivered", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("failed", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("died", sa.BigInteger, nullable=False, server_default="0"),
        sa.UniqueConstraint("number", name="webhook_number"),
        schema="keyledger",
    )
    op.create_table(
        "webhook_secret",
        sa.Column("webhook_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("made_at", _INSTANT, primary_key=True),
        sa.Column("ends_at", _INSTANT),
        sa.Column("secret", sa.Text, nullable=False),
        schema="keyledger",
    )
    op.create_table(
        "webhook_delivery",
        sa.Column("webhook_id", postgresql.UUID(as_uuid=True), primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("stream", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("taken_at", _INSTANT, nullable=False),
        sa.Column("tried_since", _INSTANT, nullable=False),
        sa.Column("next_attempt_at", _INSTANT),
        sa.Column("last_attempt_at", _INSTANT),
        sa.Column("last_status", sa.SmallInteger),
        sa.Column("last_error", sa.Text),
        sa.Column("ended_at", _INSTANT),
        sa.CheckConstraint("status IN ('pending', 'delivered', 'dead')", name="webhook_delivery_status"),
        schema="keyledger",
    )
    pending, ended = sa.text("status = 'pending'"), sa.text("ended_at IS NOT NULL")
    for name, columns, where in (
        ("webhook_delivery_streams", ["webhook_id", "stream", "position"], pending),
        ("webhook_delivery_due", ["webhook_id", "next_attempt_at"], sa.text("next_attempt_at IS NOT NULL")),
        ("webhook_delivery_open", ["webhook_id", "status", "position"], sa.text("status <> 'delivered'")),
        ("webhook_delivery_ended", ["ended_at"], ended),
    ):
        op.create_index(name, "webhook_delivery", columns, schema="keyledger", postgresql_where=where)
