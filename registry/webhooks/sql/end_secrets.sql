-- End a webhook's secrets: $1 its id, $2 when. One that ends before is left, and one that has ended goes.
WITH ended AS (
    DELETE FROM keyledger.webhook_secret
    WHERE webhook_id = $1
        AND least(ends_at, $2) <= clock_timestamp()
)
UPDATE keyledger.webhook_secret
SET ends_at = least(ends_at, $2)
WHERE webhook_id = $1
    AND least(ends_at, $2) > clock_timestamp()
