-- What a fold needs from the restored log, stream by stream.
SELECT
    position, stream, version, type, schema_version, recorded_at, effective_at, reason, payload
FROM keyledger.event
ORDER BY stream, version
