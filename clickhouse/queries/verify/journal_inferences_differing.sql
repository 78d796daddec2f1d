-- The inferences of a slice whose entries are not what their rows say: how many lines they lack, and have besides.
SELECT
    number,
    sumIf(difference, difference > 0) AS lacking,
    sumIf(-difference, difference < 0) AS besides
FROM ({{differing}})
GROUP BY number
ORDER BY number
LIMIT {limit:UInt64}
