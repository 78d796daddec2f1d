-- The log was looked through for a webhook: $1 its id, $2 from which position, $3 up to which, $4 the hash there. No row
-- where another sender has done so.
UPDATE keyledger.webhook
SET
    position = $3,
    hash = $4
WHERE webhook_id = $1
    AND position = $2
RETURNING position
