-- A page of the log for a fold: $1 the position after which it begins, $2 how many events at most.
SELECT
    position, stream, version, type, schema_version, effective_at, payload
FROM keyledger.event
WHERE position > $1
ORDER BY position
LIMIT $2
