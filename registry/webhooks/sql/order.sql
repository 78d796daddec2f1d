-- Let the first pending delivery of a stream be sent, and the others wait: $1 the webhook's id, $2 the stream.
UPDATE keyledger.webhook_delivery AS delivery
SET next_attempt_at = CASE
    WHEN delivery.position = pending.first THEN coalesce(delivery.next_attempt_at, clock_timestamp())
END
FROM (
    SELECT min(position) AS first
    FROM keyledger.webhook_delivery
    WHERE webhook_id = $1
        AND stream = $2
        AND status = 'pending'
) AS pending
WHERE delivery.webhook_id = $1
    AND delivery.stream = $2
    AND delivery.status = 'pending'
    AND (delivery.position = pending.first) <> (delivery.next_attempt_at IS NOT NULL)
