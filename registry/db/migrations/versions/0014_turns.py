"""What lets an append take the lock, compare the head and write in one statement.

What a process remembers of states is also old where their rows were rebuilt, which is no event: that is counted.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Each statement of a volatile function sees what was committed before it, also where the statement that called the
# function does not: so the head is read under the lock. The lock is that of registry/log/append/writer.py.
_TAKE_TURN = """
CREATE FUNCTION keyledger.take_turn(
    expected_position bigint, expected_hash bytea, expected_rebuilds bigint, stamped timestamptz, leeway interval,
    repeats bytea[], kept interval
)
RETURNS boolean
LANGUAGE plpgsql
VOLATILE
AS $$
DECLARE
    head record;
BEGIN
    PERFORM pg_catalog.pg_advisory_xact_lock(7738725041170573157);
    SELECT event.position, event.hash INTO head
    FROM keyledger.event
    ORDER BY event.position DESC
    LIMIT 1;
    RETURN coalesce(head.position, 0) = expected_position
        AND (expected_position = 0 OR head.hash = expected_hash)
        AND expected_rebuilds = (SELECT state_rebuild.count FROM keyledger.state_rebuild)
        AND clock_timestamp() BETWEEN stamped AND stamped + leeway
        AND (
            repeats IS NULL
            OR NOT EXISTS (
                SELECT
                FROM keyledger.kept_answer AS answer
                WHERE answer.id = ANY(repeats) AND answer.kept_at > now() - kept
            )
        );
END
$$
"""


def upgrade() -> None:
    """Processes of the version before go on without it."""
    op.create_table(
        "state_rebuild",
        sa.Column("id", sa.SmallInteger, primary_key=True, server_default="1"),
        sa.Column("count", sa.BigInteger, nullable=False, server_default="0"),
        sa.CheckConstraint("id = 1", name="state_rebuild_only"),
        schema="keyledger",
    )
    op.execute("INSERT INTO keyledger.state_rebuild DEFAULT VALUES")
    op.execute(_TAKE_TURN)
