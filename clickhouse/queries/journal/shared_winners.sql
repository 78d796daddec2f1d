-- Of ids that rows of several inferences bear, the inference whose row wins: the inference comes first in the order of
-- model rows, so it is the greatest.
SELECT
    id,
    max(number) AS winner,
    min(number) != max(number) AS several
FROM ({{shared_rows}})
WHERE kind = 'model'
    AND id IN (SELECT id FROM {{journal}}.usage_shared_id_v1)
GROUP BY id
