-- Deliveries of the next events for a webhook: $1 its id, $2 their positions, $3 their streams, $4 their types. The first
-- pending one of each stream may be sent at once.
INSERT INTO keyledger.webhook_delivery (
    webhook_id, position, stream, type, status, attempts, taken_at, tried_since, next_attempt_at
)
SELECT
    $1,
    event.position,
    event.stream,
    event.type,
    'pending',
    0,
    clock_timestamp(),
    clock_timestamp(),
    CASE
        WHEN row_number() OVER (PARTITION BY event.stream ORDER BY event.position) = 1
            AND NOT EXISTS (
                SELECT FROM keyledger.webhook_delivery AS earlier
                WHERE earlier.webhook_id = $1
                    AND earlier.stream = event.stream
                    AND earlier.status = 'pending'
            )
            THEN clock_timestamp()
    END
FROM unnest($2::bigint[], $3::text[], $4::text[]) AS event (position, stream, type)
