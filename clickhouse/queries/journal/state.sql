-- How far the journal is: the last batch that counts and what it took up, the last insert of rows, the last attempt.
SELECT
    b.last AS batch,
    b.of_take_from AS take_from,
    b.of_take_to AS take_to,
    b.of_until_number AS until_number,
    -- A number is not used again, also where its insert had no row: a batch after it would not look for more.
    arrayMax([
        (SELECT max(take) FROM {{journal}}.usage_row_v1),
        (SELECT max(take) FROM {{journal}}.usage_gone_v1),
        (SELECT max(take) FROM {{journal}}.usage_taken_v1),
        (SELECT max(take_to) FROM {{journal}}.usage_batch_v1)
    ]) AS take,
    (SELECT max(batch) FROM {{journal}}.usage_attempt_v1) AS attempt
FROM (
    SELECT
        max(batch) AS last,                             -- 0: none
        argMax(take_from, batch) AS of_take_from,
        argMax(take_to, batch) AS of_take_to,
        argMax(until_number, batch) AS of_until_number
    FROM {{journal}}.usage_batch_v1
    WHERE batch NOT IN (SELECT batch FROM {{journal}}.usage_attempt_v1 WHERE given_up)
) AS b
