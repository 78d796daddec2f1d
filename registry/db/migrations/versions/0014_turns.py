"""What lets an append take the lock, compare the head and write in one statement."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Each statement of a volatile function sees what was committed before it, also where the statement that called the
# function does not: so the head is read under the lock. The lock is that of registry/log/append/writer.py.
_TAKE_TURN = """
CREATE FUNCTION keyledger.take_turn(
    expected_position bigint, expected_hash bytea, stamped timestamptz, leeway interval, repeats bytea[],
    kept interval
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
    op.execute(_TAKE_TURN)
