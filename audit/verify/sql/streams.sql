-- A page of the streams that appear in the log or in a row of current state: $1 the stream to start after, $2 the
-- maximum number of streams.
SELECT DISTINCT stream
FROM (
    (SELECT DISTINCT stream FROM keyledger.event WHERE stream > $1 ORDER BY stream LIMIT $2)
    UNION ALL
    (SELECT stream FROM keyledger.key_state WHERE stream > $1 ORDER BY stream LIMIT $2)
    UNION ALL
    (SELECT stream FROM keyledger.admin_token WHERE stream > $1 ORDER BY stream LIMIT $2)
    UNION ALL
    (SELECT stream FROM keyledger.price_state WHERE stream > $1 ORDER BY stream LIMIT $2)
    UNION ALL
    (
        SELECT DISTINCT 'key-' || public_id AS stream
        FROM keyledger.credential
        WHERE 'key-' || public_id > $1
        ORDER BY stream
        LIMIT $2
    )
) AS named
ORDER BY stream
LIMIT $2
