-- What of the journal counts now: its last batch, and the batches up to it that never count.
SELECT
    (
        SELECT ifNull(maxOrNull(batch), 0)
        FROM {{journal}}.usage_batch_v1
        WHERE batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
    ) AS batch,
    (
        SELECT groupUniqArray(batch)
        FROM {{journal}}.usage_attempt_v1
        WHERE given_up
    ) AS given_up,
    (
        SELECT sum(vanished)
        FROM {{journal}}.usage_batch_v1
    ) AS vanished
