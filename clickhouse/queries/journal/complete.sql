-- The last batch after which all rows of the inserts up to one are in entries, and that insert.
SELECT
    batch,
    take_to
FROM {{journal}}.usage_batch_v1
WHERE until_number = {last_number:UInt128}
    AND batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
ORDER BY batch DESC
LIMIT 1
