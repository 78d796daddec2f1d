-- Count attempts of a webhook: $1 its id, $2 those that were taken, $3 those that failed, $4 those after which it was
-- given up.
UPDATE keyledger.webhook
SET
    delivered = delivered + $2::bigint,
    failed = failed + $3::bigint,
    died = died + $4::bigint
WHERE webhook_id = $1
