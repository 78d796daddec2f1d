-- The entries of inferences that need care and had none before.
INSERT INTO {{journal}}.usage_entry_v1 ({{columns}})
SELECT
    {batch:UInt64} AS batch,
    1 AS sign,
    {{line_columns}}
FROM ({{lines_now}})
