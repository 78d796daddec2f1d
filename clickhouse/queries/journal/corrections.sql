-- The entries of the inferences that need care: what they are now, and the reversal of what they were, but for what
-- did not change.
INSERT INTO {{journal}}.usage_entry_v1 ({{columns}})
SELECT
    {{signed_columns}}
FROM (
    SELECT
        {batch:UInt64} AS batch,
        {{line_columns}},
        toInt8(sum(side)) AS sign
    FROM (
        SELECT
            *,
            1 AS side
        FROM ({{lines_now}})
        UNION ALL
        SELECT
            *,
            -1 AS side
        FROM ({{lines_before}})
    )
    GROUP BY
        {{line_columns}}
    HAVING sign != 0
)
