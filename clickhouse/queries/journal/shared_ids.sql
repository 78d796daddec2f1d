-- Note the ids of rows just taken that rows of several inferences bear.
INSERT INTO {{journal}}.usage_shared_id_v1 (take, id, number)
SELECT DISTINCT
    {take_to:UInt64},
    id,
    number
FROM {{journal}}.usage_row_v1
WHERE kind = 'model'
    AND id IN (
        SELECT r.id
        FROM {{journal}}.usage_row_v1 AS r
        WHERE r.kind = 'model'
            AND toUInt64(r.id) % {slices:UInt64} = {slice:UInt64}
            AND (
                {take_from:UInt64} = 0                  -- then all are new
                OR r.id IN (
                    SELECT n.id
                    FROM {{journal}}.usage_row_v1 AS n
                    WHERE n.kind = 'model'
                        AND n.take > {take_from:UInt64}
                        AND n.take <= {take_to:UInt64}
                        AND toUInt64(n.id) % {slices:UInt64} = {slice:UInt64}
                )
            )
        GROUP BY r.id
        HAVING min(r.number) != max(r.number)
    )
