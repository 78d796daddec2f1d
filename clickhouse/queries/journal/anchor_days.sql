-- The sums of each whole day that has entries of batches after one, over all its entries up to the batch that is
-- anchored. A day of which all was taken back is among them, with zeros.
WITH
    (
        SELECT (min(e.at_ms), max(e.at_ms))             -- other months are not read
        FROM {{journal}}.usage_entry_v1 AS e
        WHERE e.batch > {anchored:UInt64}
            AND {{counts}}
    ) AS bounds
SELECT
    {{day}} AS day,
    {{day_sums}}
FROM {{journal}}.usage_entry_v1 AS e
WHERE e.at_ms >= bounds.1 - 86400000
    AND e.at_ms <= bounds.2 + 86400000
    AND {{counts}}
    AND day IN (
        SELECT DISTINCT {{day}}
        FROM {{journal}}.usage_entry_v1 AS e
        WHERE e.batch > {anchored:UInt64}
            AND {{counts}}
    )
GROUP BY day
ORDER BY day
