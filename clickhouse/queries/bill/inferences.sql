-- A page of the inferences behind a line, in the order of their instants. Reversals take back what they name: an
-- inference is there while one of its entries on the line is in force.
SELECT
    a.at_ms AS at_ms,
    a.number AS number,
    a.public_id AS public_id,
    a.credential_id AS credential_id,
    {{by_names}}
    -- With the number of entries of each that are left.
    arraySort(
        arrayMap(
            pair -> assumeNotNull(pair.1),
            arrayFilter(
                pair -> pair.2 > 0 AND pair.1 IS NOT NULL,
                arrayZip(sumMap([a.model_label], [toInt64(a.sign)]).1, sumMap([a.model_label], [toInt64(a.sign)]).2)
            )
        )
    ) AS models
FROM (
    SELECT
        *,
        {{model}} AS model_label
    FROM ({{labelled}})
) AS a
WHERE {{only}}
GROUP BY
    {{by_names}}
    a.at_ms,
    a.number,
    a.public_id,
    a.credential_id
HAVING sum(a.sign) != 0                                 -- else all was taken back
ORDER BY
    a.at_ms,
    a.number
LIMIT {limit:UInt64}
