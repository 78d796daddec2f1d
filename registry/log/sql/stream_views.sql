-- What a batch is decided on: $1 the streams of the batch. Where the lock is taken first, that is a statement of its own,
-- because one that also took the lock would see the head from before. One row per stream; each repeats the clock and
-- the head.
SELECT
    clock_timestamp() AS clock,
    head.position,
    head.hash,
    head.recorded_at,
    rebuilt.count AS rebuilds,
    wanted.stream,
    coalesce(latest.version, 0) AS version,
    coalesce(key_state.document, admin_token.document, price_state.document) AS document
FROM unnest($1::text[]) AS wanted (stream)
CROSS JOIN keyledger.state_rebuild AS rebuilt
LEFT JOIN LATERAL (
    SELECT event.position, event.hash, event.recorded_at
    FROM keyledger.event
    ORDER BY event.position DESC
    LIMIT 1
) AS head ON TRUE
LEFT JOIN LATERAL (
    SELECT event.version
    FROM keyledger.event
    WHERE event.stream = wanted.stream
    ORDER BY event.version DESC
    LIMIT 1
) AS latest ON TRUE
-- One lookup per stream, whatever the planner believes about table sizes: a plan made while they were small is kept.
LEFT JOIN LATERAL (
    SELECT state.document
    FROM keyledger.key_state AS state
    WHERE state.stream = wanted.stream
    LIMIT 1
) AS key_state ON TRUE
LEFT JOIN LATERAL (
    SELECT state.document
    FROM keyledger.admin_token AS state
    WHERE state.stream = wanted.stream
    LIMIT 1
) AS admin_token ON TRUE
LEFT JOIN LATERAL (
    SELECT state.document
    FROM keyledger.price_state AS state
    WHERE state.stream = wanted.stream
    LIMIT 1
) AS price_state ON TRUE
