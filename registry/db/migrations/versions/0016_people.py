"""Who a session of the console is of, where a provider said so."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Sessions that are there have no person: until now there was no provider."""
    op.add_column("console_session", sa.Column("person", sa.Text), schema="keyledger")
