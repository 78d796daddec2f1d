-- The inference rows of one id as stored: how many of each, and which one wins. Rows that differ in nothing that
-- matters to a bill are one.
SELECT
    r.source AS source,
    r.function_name AS function_name,
    r.credential_id AS credential_id,
    r.claimed_tags AS claimed_tags,
    count() AS rows,
    r.rank = max(r.rank) OVER () AS wins
FROM {{database}}.inference_row AS r
WHERE r.id = {inference_id:UUID}
GROUP BY
    r.source,
    r.function_name,
    r.credential_id,
    r.claimed_tags,
    r.rank
ORDER BY
    r.rank DESC,
    r.source
LIMIT {limit:UInt64}
