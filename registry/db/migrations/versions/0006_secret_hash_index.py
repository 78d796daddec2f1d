"""Find a secret's owner by its hash: an import asks for every key, an audit for every row of a gateway's table."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("credential_secret_hash", "credential", ["secret_hash"], schema="keyledger")
