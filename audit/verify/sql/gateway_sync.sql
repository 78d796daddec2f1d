-- How far the sync of a gateway's key table is, according to its own row: $1 the gateway's name.
SELECT
    log_id,
    position,
    hash,
    target
FROM keyledger.gateway_sync
WHERE gateway = $1
