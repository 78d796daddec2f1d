-- Find the inferences that a batch must count with care: see usage_recount_v1.
INSERT INTO {{journal}}.usage_recount_v1 (batch, number)
SELECT
    {batch:UInt64},
    number
FROM (
    SELECT number
    FROM {{journal}}.usage_row_v1
    WHERE {{touched}}
    GROUP BY number
    HAVING
        min(take) <= {take_from:UInt64}
        OR minIf(id, kind = 'model') != maxIf(id, kind = 'model')
        OR minIf(fingerprint, kind = 'model') != maxIf(fingerprint, kind = 'model')
        OR minIf(fingerprint, kind = 'inference') != maxIf(fingerprint, kind = 'inference')
        OR number IN (SELECT number FROM {{journal}}.usage_gone_v1)
        OR number IN (SELECT number FROM {{journal}}.usage_shared_id_v1)
    UNION DISTINCT
    SELECT number
    FROM {{journal}}.usage_gone_v1
    WHERE take > {take_from:UInt64}
        AND take <= {take_to:UInt64}
    UNION DISTINCT
    SELECT number
    FROM {{journal}}.usage_shared_id_v1
    WHERE take > {take_from:UInt64}
        AND take <= {take_to:UInt64}
)
WHERE number >= {since_number:UInt128}
    AND number <= {until_number:UInt128}
