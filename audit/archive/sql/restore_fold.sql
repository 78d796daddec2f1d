-- What a fold needs from the restored log, stream by stream.
SELECT
    position, stream, version, type, schema_version, effective_at, payload
FROM keyledger.event
ORDER BY stream, version
