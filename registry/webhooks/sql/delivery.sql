-- One delivery: $1 the webhook's id, $2 the position.
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
    AND position = $2
