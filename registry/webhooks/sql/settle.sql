-- What came of an attempt: $1 the webhook's id, $2 the position, $3 how many attempts there were before it, $4 delivered,
-- pending or dead, $5 after how many seconds the next one is, or NULL, $6 the status of the answer, $7 the error. No row
-- where somebody else has settled it. One that is repeated waits where one before it has been replayed meanwhile.
UPDATE keyledger.webhook_delivery AS delivery
SET
    status = $4,
    attempts = attempts + 1,
    next_attempt_at = CASE
        WHEN $4 = 'pending'
            AND NOT EXISTS (
                SELECT FROM keyledger.webhook_delivery AS earlier
                WHERE earlier.webhook_id = $1
                    AND earlier.stream = delivery.stream
                    AND earlier.status = 'pending'
                    AND earlier.position < $2
            )
            THEN clock_timestamp() + make_interval(secs => $5)
    END,
    last_attempt_at = clock_timestamp(),
    last_status = $6,
    last_error = $7,
    ended_at = CASE WHEN $4 <> 'pending' THEN clock_timestamp() END
WHERE webhook_id = $1
    AND position = $2
    AND status = 'pending'
    AND attempts = $3
RETURNING stream
