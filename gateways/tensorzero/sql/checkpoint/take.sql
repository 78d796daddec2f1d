-- The sync's row, created if missing: $1 the gateway's name, $2 the log's id, $3 its genesis hash.
INSERT INTO keyledger.gateway_sync AS sync (gateway, log_id, position, hash, updated_at)
VALUES ($1, $2, 0, $3, clock_timestamp())
ON CONFLICT (gateway) DO UPDATE SET gateway = sync.gateway
RETURNING log_id, position, hash, target
