-- A page of a webhook's deliveries, newest first: $1 its id, $2 the position before which they are, $3 the statuses, or
-- NULL for all, $4 the only position, or NULL, $5 how many at most.
SELECT
    position,
    stream,
    type,
    status,
    attempts,
    taken_at,
    next_attempt_at,
    last_attempt_at,
    last_status,
    last_error,
    ended_at
FROM keyledger.webhook_delivery
WHERE webhook_id = $1
    AND position < $2
    AND ($3::text[] IS NULL OR status = ANY($3))
    AND ($4::bigint IS NULL OR position = $4)
ORDER BY position DESC
LIMIT $5
