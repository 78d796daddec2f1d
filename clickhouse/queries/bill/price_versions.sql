-- The prices, each version with the span in which it holds, as known at a position. At equal times the higher position
-- wins. An ended price holds nothing until it is set again.
SELECT
    price_id,
    from_ms,
    until_ms,
    terms.2 AS model,
    ifNull(terms.3, '') AS provider,                    -- '': any
    terms.4 AS tags,
    terms.5 AS currency,
    terms.6 AS input,
    terms.7 AS output,
    terms.8 AS cache_read,
    terms.9 AS cache_write,
    terms.10 AS cached_input,
    terms.11 AS cached_output,
    terms.12 AS per_inference,
    terms.13 AS cost_multiplier
FROM (
    SELECT
        price_id,
        effective_ms AS from_ms,
        leadInFrame(effective_ms, 1, toInt64(9223372036854775807)) OVER (
            PARTITION BY price_id
            ORDER BY effective_ms
            ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
        ) AS until_ms,
        terms
    FROM (
        SELECT
            c.price_id AS price_id,
            c.effective_ms AS effective_ms,
            argMax(
                tuple(
                    c.kind,
                    c.model,
                    c.provider,
                    c.tags,
                    toString(c.currency),
                    c.input,
                    c.output,
                    c.cache_read,
                    c.cache_write,
                    c.cached_input,
                    c.cached_output,
                    c.per_inference,
                    c.cost_multiplier
                ),
                c.position
            ) AS terms
        FROM {{price_changes}} AS c
        WHERE c.position <= {{position}}                -- only what was known by then
            AND c.effective_ms < {{until_ms}}
        GROUP BY
            c.price_id,
            c.effective_ms
    )
)
WHERE terms.1 = 'set'
    AND until_ms > {{since_ms}}
