-- The batches that were begun and never count.
SELECT DISTINCT batch
FROM {{journal}}.usage_attempt_v1
WHERE given_up
ORDER BY batch
