-- Delete deliveries that are kept no longer, and those of deleted webhooks: $1 how many at most.
DELETE FROM keyledger.webhook_delivery
WHERE (webhook_id, position) IN (
    SELECT
        delivery.webhook_id,
        delivery.position
    FROM keyledger.webhook_delivery AS delivery
    WHERE delivery.ended_at <= now() - interval '{{kept}}'
        OR delivery.webhook_id IN (SELECT webhook_id FROM keyledger.webhook WHERE deleted_at IS NOT NULL)
    LIMIT $1
)
