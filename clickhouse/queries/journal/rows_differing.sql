-- Rows of some days that the gateway has and the journal does not, though their parts were taken (`taken`), and rows
-- that the journal has and the gateway does not.
SELECT
    any(d.source) AS source,
    d.number AS number,
    d.kind AS kind,
    d.id AS id,
    d.says AS says,
    d.fingerprint AS fingerprint,
    max(d.taken) AS taken
FROM (
    {{gateway_rows}}
    SELECT
        toString(e.source) AS source,
        e.number AS number,
        toString(e.kind) AS kind,
        e.id AS id,
        {{taken_fingerprint}} AS says,
        e.fingerprint AS fingerprint,
        0 AS there,
        0 AS taken,
        1 AS held
    FROM (
        SELECT
            *,
            {{at_ms}} AS at_ms
        FROM ({{rows}})
    ) AS e
    WHERE {{day}} IN {days:Array(Int32)}
        AND e.number % {slices:UInt64} = {slice:UInt64}
) AS d
GROUP BY
    number,
    kind,
    id,
    says,
    fingerprint
HAVING (max(d.held) AND NOT max(d.there)) OR (max(d.taken) AND NOT max(d.held))
