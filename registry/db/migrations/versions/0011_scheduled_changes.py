"""When scheduled changes make the tags by which a key is found stale."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """No key has one yet."""
    op.add_column("key_state", sa.Column("tags_due_at", sa.TIMESTAMP(timezone=True)), schema="keyledger")
    due = sa.text("tags_due_at IS NOT NULL")
    op.create_index("key_state_tags_due_at", "key_state", ["tags_due_at"], schema="keyledger", postgresql_where=due)
