-- Send a delivery again: $1 the webhook's id, $2 the position. One that ended begins as a new one does; the next attempt
-- of a pending one is now.
UPDATE keyledger.webhook_delivery
SET
    status = 'pending',
    attempts = CASE WHEN status = 'pending' THEN attempts ELSE 0 END,
    tried_since = CASE WHEN status = 'pending' THEN tried_since ELSE clock_timestamp() END,
    next_attempt_at = clock_timestamp(),
    ended_at = NULL
WHERE webhook_id = $1
    AND position = $2
