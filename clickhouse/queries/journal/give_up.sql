-- Give up what another collector began and did not finish.
INSERT INTO {{journal}}.usage_attempt_v1 (batch, given_up)
SELECT DISTINCT
    batch,
    true
FROM {{journal}}.usage_attempt_v1
WHERE batch NOT IN (SELECT batch FROM {{journal}}.usage_batch_v1)
    AND batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
