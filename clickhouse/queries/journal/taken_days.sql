-- The days of some inferences by the rows that the journal took and that are in force. What a row says is hashed again:
-- a row whose figures were changed has the fingerprint that it had.
SELECT
    {{day}} AS day,
    count() AS rows,
    sum(sipHash64(e.number, toString(e.kind), e.id, {{taken_fingerprint}}, e.fingerprint)) AS digest
FROM (
    SELECT
        *,
        {{at_ms}} AS at_ms
    FROM ({{rows}})
) AS e
GROUP BY day
