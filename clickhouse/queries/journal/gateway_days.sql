-- The days of some parts of one of the gateway's tables: how many rows, and a hash of what they say.
SELECT
    {{day}} AS day,
    count() AS rows,
    sum(sipHash64(e.number, toString(e.kind), e.row_id, e.fingerprint, e.fingerprint)) AS digest
FROM (
    SELECT
        *,
        {{at_ms}} AS at_ms
    FROM ({{rows}})
) AS e
GROUP BY day
