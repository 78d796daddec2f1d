-- What the sync waits for or is stopped by, for status reports: $1 the gateway's name, $2 the text or NULL.
UPDATE keyledger.gateway_sync
SET failure = $2
WHERE gateway = $1 AND failure IS DISTINCT FROM $2
