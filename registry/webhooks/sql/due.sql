-- Deliveries whose time has come, those that have waited longest first, of each webhook up to $1.
SELECT
    due.webhook_id,
    webhook.url,
    due.position,
    due.stream,
    due.attempts,
    extract(epoch FROM clock_timestamp() - due.tried_since)::float8 AS tried_s
FROM keyledger.webhook
CROSS JOIN LATERAL (
    SELECT delivery.*
    FROM keyledger.webhook_delivery AS delivery
    WHERE delivery.webhook_id = webhook.webhook_id
        AND delivery.next_attempt_at <= clock_timestamp()
    ORDER BY delivery.next_attempt_at
    LIMIT $1
) AS due
WHERE webhook.deleted_at IS NULL
ORDER BY due.next_attempt_at
