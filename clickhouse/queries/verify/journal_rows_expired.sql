-- The rows of a slice that have expired at the gateway.
SELECT
    source,
    count() AS rows
FROM ({{rows_differing}})
WHERE NOT taken
    AND NOT ({{not_expired}})
GROUP BY source
