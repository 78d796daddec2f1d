-- The days of some inferences by the rows in force: what the entries should be.
SELECT
    {{day}} AS day,
    count() AS lines,
    sum({{digest}}) AS digest
FROM ({{lines}}) AS e
GROUP BY day
