"""How far the relay has published."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP, UUID

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of checkpoints."""
    op.create_table(
        "relay_checkpoint",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("log_id", UUID(as_uuid=True), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("updated_at", TIMESTAMP(timezone=True), nullable=False),
        schema="keyledger",
    )
