"""Who is logged in to the console, and addresses that log in once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_INSTANT = sa.TIMESTAMP(timezone=True)


def upgrade() -> None:
    """Empty: until now there was no console."""
    op.create_table(
        "console_session",
        sa.Column("id_hash", sa.LargeBinary, primary_key=True),
        sa.Column("token_id", sa.Text),
        sa.Column("begun_at", _INSTANT, nullable=False),
        sa.Column("ends_at", _INSTANT, nullable=False),
        schema="keyledger",
    )
    op.create_table(
        "console_login",
        sa.Column("code_hash", sa.LargeBinary, primary_key=True),
        sa.Column("ends_at", _INSTANT, nullable=False),
        schema="keyledger",
    )
