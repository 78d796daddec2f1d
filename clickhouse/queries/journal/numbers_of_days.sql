-- The inferences of some days that have rows.
SELECT e.number
FROM (
    SELECT
        number,
        {{at_ms}} AS at_ms
    FROM {{journal}}.usage_row_v1
    WHERE number >= {since_number:UInt128}
        AND number <= {until_number:UInt128}
        AND number % {slices:UInt64} = {slice:UInt64}
) AS e
WHERE {{day}} IN {days:Array(Int32)}
