-- What a file has: its rows; those that are not there yet, and of these the ones whose id is there with other values;
-- the period of its inferences, and how many ids have no time.
SELECT
    count() AS rows,
    countIf((id, digest) NOT IN (SELECT id, digest FROM {{there}})) AS new_rows,
    countIf((id, digest) NOT IN (SELECT id, digest FROM {{there}}) AND id IN (SELECT id FROM {{there}})) AS differing,
    minOrNullIf(at_ms, at_ms >= 0) AS first_ms,
    maxOrNullIf(at_ms, at_ms >= 0) AS last_ms,
    countIf(at_ms < 0) AS without_time
FROM (
    SELECT
        id,
        digest,
        {{at_ms}} AS at_ms
    FROM {{rows}}
)
