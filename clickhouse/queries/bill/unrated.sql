-- A bill without prices: nothing is charged, and no row is rated.
SELECT
    *,
    '' AS currency,
    0 AS amount,
    model_rows AS unrated
FROM ({{bill}})
LIMIT {limit:UInt64}
