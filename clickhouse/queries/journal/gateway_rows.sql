-- Rows of one of the gateway's tables, of some days.
SELECT
    e.source AS source,
    e.number AS number,
    toString(e.kind) AS kind,
    e.row_id AS id,
    e.fingerprint AS says,
    e.fingerprint AS fingerprint,
    1 AS there,
    {{taken}} AS taken,
    0 AS held
FROM (
    SELECT
        *,
        {{at_ms}} AS at_ms
    FROM ({{rows}})
) AS e
WHERE {{day}} IN {days:Array(Int32)}
    AND e.number % {slices:UInt64} = {slice:UInt64}
UNION ALL
