-- A page of the log: $1 the position to start after, $2 the maximum number of events.
SELECT
    position, stream, version, type, schema_version, recorded_at, effective_at, actor, on_behalf_of, request_id,
    reason, payload, salt, payload_digest, hash
FROM keyledger.event
WHERE position > $1
ORDER BY position
LIMIT $2
