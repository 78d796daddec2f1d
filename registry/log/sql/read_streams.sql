-- All events of some streams: $1 the streams.
SELECT
    position, stream, version, type, schema_version, recorded_at, effective_at, actor, on_behalf_of, request_id,
    reason, payload, salt, payload_digest, hash
FROM keyledger.event
WHERE stream = ANY($1::text[])
ORDER BY position
