-- Let the first pending delivery of a stream be sent, where the one before it has ended: $1 the webhook's id, $2 the
-- stream.
UPDATE keyledger.webhook_delivery
SET next_attempt_at = clock_timestamp()
WHERE webhook_id = $1
    AND position = (
        SELECT min(position)
        FROM keyledger.webhook_delivery
        WHERE webhook_id = $1
            AND stream = $2
            AND status = 'pending'
    )
    AND next_attempt_at IS NULL
