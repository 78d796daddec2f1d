-- For how long the oldest insert of rows has waited that no batch has taken up, and what keeps the collector from going
-- on.
SELECT
    (
        SELECT ifNull(dateDiff('second', minOrNull(taken_at), now64(3, 'UTC')), 0)
        FROM {{journal}}.usage_taken_v1
        WHERE take > {take:UInt64}
    ) AS age_s,
    (
        SELECT anyOrDefault(failure)
        FROM {{journal}}.projector_stop_v1 FINAL
        WHERE projector = 'collector'
    ) AS failure
