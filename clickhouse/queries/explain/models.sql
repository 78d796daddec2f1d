-- The model rows that count for one inference, one per id, and how many copies of each exist; differing copies are
-- decided as in the bill.
SELECT
    m.id AS id,
    m.model_name AS model_name,
    m.model_provider_name AS model_provider_name,
    m.input_tokens AS input_tokens,
    m.output_tokens AS output_tokens,
    m.cached AS cached,
    if(m.unpriced, NULL, m.cost_usd) AS cost_usd,
    m.conflicting AS conflicting,
    r.rows AS rows
FROM (
    SELECT *
    FROM {{database}}.model_usage_between(since_ms = {since_ms:Int64}, until_ms = {until_ms:Int64})
    WHERE number = toUInt128({inference_id:UUID})
) AS m
INNER JOIN (
    SELECT
        id,
        count() AS rows
    FROM {{database}}.model_row
    WHERE id IN (
        SELECT id
        FROM {{database}}.model_row
        WHERE number = toUInt128({inference_id:UUID})
    )
    GROUP BY id
) AS r ON r.id = m.id
ORDER BY toUInt128(m.id)                               -- for version 7, in order of time
LIMIT {limit:UInt64}
