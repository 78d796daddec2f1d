"""A credential whose secret's hash is missing: restored from an archive without it, it opens nothing."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let the hash be absent, as an admin token's can be."""
    op.alter_column("credential", "secret_hash", nullable=True, schema="keyledger")
