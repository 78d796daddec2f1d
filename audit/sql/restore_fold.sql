-- The restored log, stream by stream.
SELECT
    position, stream, version, type, schema_version, recorded_at, effective_at, actor, on_behalf_of, request_id,
    reason, payload, salt, payload_digest, hash
FROM keyledger.event
ORDER BY stream, version
