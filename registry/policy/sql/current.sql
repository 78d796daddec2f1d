-- The head of the log, and the last event of the policy's stream, if it has one: $1 the stream.
SELECT
    head.position AS head,
    latest.position, latest.stream, latest.version, latest.type, latest.schema_version, latest.recorded_at,
    latest.effective_at, latest.actor, latest.on_behalf_of, latest.request_id, latest.reason, latest.payload,
    latest.salt, latest.payload_digest, latest.hash
FROM (
    SELECT coalesce(max(position), 0) AS position
    FROM keyledger.event
) AS head
LEFT JOIN LATERAL (
    SELECT *
    FROM keyledger.event
    WHERE stream = $1
    ORDER BY version DESC
    LIMIT 1
) AS latest ON TRUE
