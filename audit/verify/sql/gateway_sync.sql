-- How far the sync of a gateway's table of keys is, by its own word: $1 the gateway's name.
SELECT
    log_id,
    position,
    hash,
    target
FROM keyledger.gateway_sync
WHERE gateway = $1
