-- The latest instant of a period's usage, where all of some inference was taken back: the greatest that is left.
SELECT ifNull(maxOrNull(at_ms), -1)
FROM (
    SELECT any(e.at_ms) AS at_ms
    FROM ({{entries}}) AS e
    WHERE e.at_ms <= {now_ms:Int64}
    GROUP BY e.number
    HAVING sum(e.sign) != 0
)
