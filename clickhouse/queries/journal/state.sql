-- How far the journal is: the last batch that counts, what it took up, the last insert of rows, the last attempt, and
-- those that were given up.
SELECT
    (
        SELECT ifNull(argMaxOrNull((batch, take_from, take_to, until_number), batch), (0, 0, 0, 0))
        FROM {{journal}}.usage_batch_v1
        WHERE batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
    ) AS batch,
    -- A number is not used again, also where its insert had no row: a batch after it would not look for more.
    arrayMax([
        (SELECT ifNull(maxOrNull(take), 0) FROM {{journal}}.usage_row_v1),
        (SELECT ifNull(maxOrNull(take), 0) FROM {{journal}}.usage_gone_v1),
        (SELECT ifNull(maxOrNull(take), 0) FROM {{journal}}.usage_taken_v1),
        (SELECT ifNull(maxOrNull(take_to), 0) FROM {{journal}}.usage_batch_v1)
    ]) AS take,
    (
        SELECT ifNull(maxOrNull(batch), 0)
        FROM {{journal}}.usage_attempt_v1
    ) AS attempt
