"""When a key was suspended, to filter by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TIMESTAMP

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Null for all existing keys: until now nothing could suspend one."""
    op.add_column("key_state", sa.Column("suspended_at", TIMESTAMP(timezone=True)), schema="keyledger")
