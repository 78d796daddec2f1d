-- The webhooks that are sent to, with how far the log was looked through for each.
SELECT
    webhook_id,
    url,
    types,
    log_id,
    position,
    hash
FROM keyledger.webhook
WHERE deleted_at IS NULL
ORDER BY number
