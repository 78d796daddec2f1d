-- How far each webhook is, those that are deleted too, whose counts go on in metrics: since when the first event waits
-- that it was not looked at for, how many deliveries wait, and how the first of them is.
SELECT
    webhook.webhook_id,
    webhook.deleted_at IS NOT NULL AS deleted,
    webhook.position,
    webhook.delivered,
    webhook.failed,
    webhook.died,
    following.recorded_at AS untaken_since,
    open.pending,
    first.position AS first_pending,
    extract(epoch FROM clock_timestamp() - first.tried_since)::float8 AS waits_s,
    first.attempts AS first_attempts,
    first.last_error AS first_error,
    open.dead,
    open.died_at
FROM keyledger.webhook
LEFT JOIN keyledger.event AS following ON following.position = webhook.position + 1
LEFT JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE delivery.status = 'pending') AS pending,
        count(*) FILTER (WHERE delivery.status = 'dead') AS dead,
        max(delivery.ended_at) AS died_at
    FROM keyledger.webhook_delivery AS delivery
    WHERE delivery.webhook_id = webhook.webhook_id
        AND delivery.status <> 'delivered'
) AS open ON true
LEFT JOIN LATERAL (
    SELECT delivery.*
    FROM keyledger.webhook_delivery AS delivery
    WHERE delivery.webhook_id = webhook.webhook_id
        AND delivery.status = 'pending'
    ORDER BY delivery.position
    LIMIT 1
) AS first ON true
ORDER BY webhook.number
