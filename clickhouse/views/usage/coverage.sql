-- The seven buckets of a period: nothing is hidden, and together they are everything that the gateway recorded.
CREATE OR REPLACE VIEW {{database}}.coverage{{on_cluster}} AS
SELECT
    ['bad_id', 'batch', 'orphan', 'unkeyed', 'unknown_key', 'outside_key_life', 'keyed'][rank] AS bucket,
    sum(a.inferences) AS inferences,
    {{figures}}
FROM (
    SELECT
        toUInt8(a.bucket) AS rank,                      -- the contract's order is that of the enumeration
        a.inferences AS inferences,
        a.input_tokens AS input_tokens,
        a.output_tokens AS output_tokens,
        a.cached_input_tokens AS cached_input_tokens,
        a.cached_output_tokens AS cached_output_tokens,
        a.cache_read_tokens AS cache_read_tokens,
        a.cache_write_tokens AS cache_write_tokens,
        a.cost_usd AS cost_usd,
        a.model_rows AS model_rows,
        a.unpriced AS unpriced
    FROM (
{{attributed}}) AS a
    UNION ALL
    -- Empty buckets are shown, too.
    SELECT
        toUInt8(number + 1) AS rank,
        0 AS inferences,
        0 AS input_tokens,
        0 AS output_tokens,
        0 AS cached_input_tokens,
        0 AS cached_output_tokens,
        0 AS cache_read_tokens,
        0 AS cache_write_tokens,
        toDecimal64(0, 9) AS cost_usd,
        0 AS model_rows,
        0 AS unpriced
    FROM numbers(7)
) AS a
GROUP BY rank
ORDER BY rank
