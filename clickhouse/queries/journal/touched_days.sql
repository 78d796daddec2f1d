-- The days of the inferences that inserts after one have touched.
SELECT
    {{day}} AS day,
    count() AS inferences
FROM (
    SELECT {{at_ms}} AS at_ms
    FROM (
        SELECT number
        FROM {{journal}}.usage_row_v1
        WHERE take > {take:UInt64}
        UNION DISTINCT
        SELECT number
        FROM {{journal}}.usage_gone_v1
        WHERE take > {take:UInt64}
        UNION DISTINCT
        SELECT number
        FROM {{journal}}.usage_shared_id_v1
        WHERE take > {take:UInt64}
    )
) AS e
GROUP BY day
