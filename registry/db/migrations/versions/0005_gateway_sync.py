"""How far the gateway's own key table has followed the log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: the first sync creates its row."""
    op.create_table(
        "gateway_sync",
        sa.Column("gateway", sa.Text, primary_key=True),
        sa.Column("log_id", UUID(as_uuid=True), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("target", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("drift_repaired", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("without_hash", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("index_missing", sa.Boolean, nullable=False, server_default="false"),
        sa.Column("reconciled_at", TIMESTAMP(timezone=True)),
        sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
        schema="keyledger",
    )
