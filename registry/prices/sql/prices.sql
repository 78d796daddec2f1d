-- A page of the price book, newest first, with the head of the log and the clock: $1 the position before which the
-- prices were first set, $2 the last position that counts, $3 how many prices at most, $4 how many bytes, but one price.
-- One row always, without a document if there is none.
SELECT
    one.head,
    one.now,
    page.stream,
    page.document,
    page.found
FROM (
    SELECT
        (SELECT coalesce(max(position), 0) FROM keyledger.event) AS head,
        clock_timestamp() AS now
) AS one
LEFT JOIN (
    SELECT
        found.*,
        count(*) OVER () AS found,
        row_number() OVER (ORDER BY created_position DESC) AS place,
        sum(octet_length(document)) OVER (ORDER BY created_position DESC) - octet_length(document) AS before
    FROM (
        SELECT stream, created_position, document
        FROM keyledger.price_state
        WHERE created_position < $1 AND created_position <= $2
        ORDER BY created_position DESC
        LIMIT $3::bigint + 1
    ) AS found
) AS page ON page.place <= $3 AND page.before < $4
ORDER BY page.created_position DESC
