-- The days of the entries that count: reversals take back what they name.
SELECT
    {{day}} AS day,
    sum(e.sign) AS lines,
    sum(if(e.sign > 0, {{digest}}, toUInt64(-toInt64({{digest}})))) AS digest
FROM {{journal}}.usage_entry_v1 AS e
WHERE {{counts}}
GROUP BY day
