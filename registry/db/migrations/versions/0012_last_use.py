"""When admin tokens were last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of none it is known yet."""
    op.add_column("admin_token", sa.Column("last_used_at", sa.TIMESTAMP(timezone=True)), schema="keyledger")
