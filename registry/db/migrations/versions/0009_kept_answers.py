"""Answers that are kept for those who repeat a request."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Empty: until now no request could be repeated safely."""
    op.create_table(
        "kept_answer",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("kept_at", sa.TIMESTAMP(timezone=True), nullable=False),
        schema="keyledger",
    )
    op.create_index("kept_answer_kept_at", "kept_answer", ["kept_at"], schema="keyledger")
