-- Everything up to a position is acknowledged: $1 the topic, $2 the previous position, $3 the new one, $4 its hash.
-- Returns no row if another relay has moved the checkpoint.
UPDATE keyledger.relay_checkpoint
SET
    position = $3,
    hash = $4,
    failure = NULL,
    updated_at = clock_timestamp()
WHERE topic = $1 AND position = $2
RETURNING position
