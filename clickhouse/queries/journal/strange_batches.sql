-- Batches that no collector began, and how many entries name them.
SELECT
    batch,
    count() AS entries
FROM {{journal}}.usage_entry_v1
WHERE batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1)
GROUP BY batch
ORDER BY batch
LIMIT 1000
