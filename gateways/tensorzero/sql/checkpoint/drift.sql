-- Count rows that somebody else had changed and that were restored: $1 the gateway's name, $2 how many.
UPDATE keyledger.gateway_sync
SET drift_repaired = drift_repaired + $2
WHERE gateway = $1
