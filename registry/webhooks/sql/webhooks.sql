-- Webhooks with what they wait for, newest first: $1 an id, or NULL for a page of those that are not deleted; of that $2
-- the number before which they were made, and $3 how many at most.
SELECT
    webhook.webhook_id,
    webhook.number,
    webhook.url,
    webhook.types,
    webhook.position,
    webhook.created_at,
    webhook.created_by,
    webhook.created_for,
    webhook.deleted_at,
    (
        SELECT count(*)
        FROM keyledger.webhook_delivery AS delivery
        WHERE delivery.webhook_id = webhook.webhook_id
            AND delivery.status = 'pending'
    ) AS pending,
    (
        SELECT count(*)
        FROM keyledger.webhook_delivery AS delivery
        WHERE delivery.webhook_id = webhook.webhook_id
            AND delivery.status = 'dead'
    ) AS dead
FROM keyledger.webhook
WHERE ($1::uuid IS NULL AND webhook.deleted_at IS NULL AND webhook.number < $2)
    OR webhook.webhook_id = $1
ORDER BY webhook.number DESC
LIMIT $3
