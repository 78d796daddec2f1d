-- Rows as they were taken up to an insert, without those that went.
SELECT r.* EXCEPT (take)
FROM {{journal}}.usage_row_v1 AS r
{{without_gone}}
WHERE r.take <= {{take}}
    {{after_gone}}
    AND {{which}}
