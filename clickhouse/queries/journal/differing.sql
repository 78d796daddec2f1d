-- What the entries of some days lack of what the rows in force say (sign > 0), and have besides (sign < 0).
SELECT
    {{line_columns}},
    sum(side) AS difference
FROM (
    SELECT
        {{line_columns}},
        toInt64(1) AS side
    FROM ({{lines}})
    UNION ALL
    SELECT
        {{entry_columns}},
        toInt64(-e.sign) AS side
    FROM {{journal}}.usage_entry_v1 AS e
    WHERE {{counts}}
        AND {{day}} IN {days:Array(Int32)}
        AND e.number % {slices:UInt64} = {slice:UInt64}
)
GROUP BY
    {{line_columns}}
HAVING difference != 0
