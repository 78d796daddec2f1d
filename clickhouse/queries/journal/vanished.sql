-- How many inferences a batch took back whole.
SELECT count()
FROM (
    SELECT number
    FROM {{journal}}.usage_entry_v1
    WHERE batch = {batch:UInt64}
        AND number IN (SELECT number FROM {{journal}}.usage_recount_v1 WHERE batch = {batch:UInt64})
    GROUP BY number
    HAVING sum(inferences) < 0
)
