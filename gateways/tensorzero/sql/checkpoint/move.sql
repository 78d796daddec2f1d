-- Every key that changed up to a position is in the table: $1 the gateway's name, $2 the previous position, $3 the new
-- one, $4 its hash, $5 the table. Returns no row if another sync has moved the checkpoint.
UPDATE keyledger.gateway_sync
SET
    position = $3,
    hash = $4,
    target = $5,
    updated_at = clock_timestamp()
WHERE gateway = $1 AND position = $2
RETURNING position
