-- What a fold needs of all events of some streams: $1 the streams. The instant is a number, as a tampered one may be
-- beyond what a datetime can hold.
SELECT
    position,
    stream,
    version,
    type,
    schema_version,
    CASE
        WHEN isfinite(effective_at) THEN (extract(EPOCH FROM effective_at) * 1000000)::bigint
        ELSE 9223372036854775807
    END AS effective_us,
    payload
FROM keyledger.event
WHERE stream = ANY($1::text[])
ORDER BY position
