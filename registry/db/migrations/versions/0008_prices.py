"""The current state of prices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: until now no event was about a price."""
    op.create_table(
        "price_state",
        sa.Column("stream", sa.Text, primary_key=True),
        sa.Column("price_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("provider", sa.Text),
        sa.Column("tag_count", sa.Integer, nullable=False),
        sa.Column("created_position", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("price_id", name="price_state_price_id"),
        sa.UniqueConstraint("created_position", name="price_state_created_position"),
        schema="keyledger",
    )
    op.create_index("price_state_place", "price_state", ["model", "provider", "tag_count"], schema="keyledger")
