-- The rows of a slice that gateway and journal don't share, by what they are of: how many the journal lacks, and has
-- besides.
SELECT
    any(d.source) AS of_source,
    number,
    kind,
    id,
    countIf(d.taken) AS lacking,
    countIf(NOT d.taken) AS besides
FROM ({{rows_differing}}) AS d
WHERE taken OR {{not_expired}}
GROUP BY
    number,
    kind,
    id
ORDER BY
    number,
    kind,
    id
LIMIT {limit:UInt64}
