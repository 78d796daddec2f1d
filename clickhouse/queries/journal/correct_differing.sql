-- The entries that make the days of a slice what their rows say.
INSERT INTO {{journal}}.usage_entry_v1 ({{columns}})
SELECT
    {{signed_columns}}
FROM (
    SELECT
        {batch:UInt64} AS batch,
        *,
        if(difference > 0, 1, -1) AS sign
    FROM ({{differing}})
    ARRAY JOIN range(toUInt64(abs(difference))) AS again
)
