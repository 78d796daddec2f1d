"""Since when a key is suspended, to be filtered by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Null of every key that is there: nothing could suspend one so far."""
    op.add_column("key_state", sa.Column("suspended_at", TIMESTAMP(timezone=True)), schema="keyledger")
