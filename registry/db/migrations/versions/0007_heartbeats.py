"""Which parts run, and how the last full check of everything ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Empty: parts of this version write their rows as they start, and a full verify its end."""
    op.create_table(
        "heartbeat",
        sa.Column("instance", UUID(as_uuid=True), primary_key=True),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("leads", sa.Boolean),
        sa.Column("beat_at", INSTANT, nullable=False),
        sa.Column("succeeded_at", INSTANT),
        schema="keyledger",
    )
    op.create_table(
        "last_verify",
        sa.Column("id", sa.SmallInteger, primary_key=True, server_default="1"),
        sa.Column("ended_at", INSTANT, nullable=False),
        sa.Column("position", sa.BigInteger),
        sa.Column("findings", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.CheckConstraint("id = 1", name="last_verify_only"),
        schema="keyledger",
    )
