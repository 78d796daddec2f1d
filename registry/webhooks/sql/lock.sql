-- Take the turn of a webhook until the end of the transaction: $1 its id. Whatever changes which of its deliveries may be
-- sent does so first, and in a statement of its own, so that the next one sees what the turn before it left. No row for a
-- webhook that is not there, or is deleted.
SELECT position
FROM keyledger.webhook
WHERE webhook_id = $1
    AND deleted_at IS NULL
FOR UPDATE
