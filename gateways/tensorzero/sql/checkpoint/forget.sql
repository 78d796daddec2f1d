-- Start over, after an operator has looked: $1 the gateway's name, $2 the log's id, $3 its genesis hash.
UPDATE keyledger.gateway_sync
SET
    log_id = $2,
    position = 0,
    hash = $3,
    target = NULL,
    failure = NULL,
    updated_at = clock_timestamp()
WHERE gateway = $1
