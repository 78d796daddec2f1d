-- The secrets of webhooks that sign now, the latest first: $1 the webhooks' ids.
SELECT
    webhook_id,
    made_at,
    ends_at,
    secret
FROM keyledger.webhook_secret
WHERE webhook_id = ANY($1::uuid[])
    AND coalesce(ends_at > clock_timestamp(), true)
ORDER BY webhook_id, made_at DESC
