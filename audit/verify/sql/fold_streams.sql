-- What a fold needs from all events of some streams: $1 the streams. Times are numbers, because a tampered one may be
-- outside the range of a datetime.
SELECT
    position,
    stream,
    version,
    type,
    schema_version,
    CASE
        WHEN isfinite(recorded_at) THEN (extract(EPOCH FROM recorded_at) * 1000000)::bigint
        ELSE 9223372036854775807
    END AS recorded_us,
    CASE
        WHEN isfinite(effective_at) THEN (extract(EPOCH FROM effective_at) * 1000000)::bigint
        ELSE 9223372036854775807
    END AS effective_us,
    reason,
    payload
FROM keyledger.event
WHERE stream = ANY($1::text[])
ORDER BY position
