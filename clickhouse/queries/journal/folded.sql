-- The last batch that counts, and what it took up; batch 0 without any.
SELECT
    max(b.batch) AS last,
    argMax(b.take_from, b.batch) AS take_from,
    argMax(b.take_to, b.batch) AS take_to,
    argMax(b.until_number, b.batch) AS until_number
FROM {{journal}}.usage_batch_v1 AS b
WHERE b.batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
