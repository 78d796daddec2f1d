-- The last insert of rows, and the last attempt at a batch: read once by who begins to collect, as it reads all rows.
SELECT
    -- A number is not used again, also where its insert had no row: a batch after it would not look for more.
    arrayMax([
        (SELECT max(take) FROM {{journal}}.usage_row_v1),
        (SELECT max(take) FROM {{journal}}.usage_gone_v1),
        (SELECT max(take) FROM {{journal}}.usage_taken_v1),
        (SELECT max(take_to) FROM {{journal}}.usage_batch_v1)
    ]) AS take,
    (SELECT max(batch) FROM {{journal}}.usage_attempt_v1) AS attempt
