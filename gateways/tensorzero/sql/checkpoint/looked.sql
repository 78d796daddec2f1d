-- All keys were compared: $1 the gateway's name, $2 how many credentials have no hash here and no row there, $3 whether
-- the table is large and no index serves its lookup.
UPDATE keyledger.gateway_sync
SET
    without_hash = $2,
    index_missing = $3,
    reconciled_at = clock_timestamp()
WHERE gateway = $1
