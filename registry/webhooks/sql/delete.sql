-- Delete a webhook: $1 its id, $2 by whom, $3 for whom.
UPDATE keyledger.webhook
SET
    deleted_at = clock_timestamp(),
    deleted_by = $2,
    deleted_for = $3
WHERE webhook_id = $1
    AND deleted_at IS NULL
