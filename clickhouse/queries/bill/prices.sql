-- The versions of prices as rating needs them, those that say more first: a named provider before any, more tags
-- before fewer. Amounts are whole numbers of 10^-18.
SELECT
    model,
    CAST(
        (
            price_id,
            from_ms,
            until_ms,
            provider,
            arrayMap(name -> tags[name], {rate_names:Array(String)}),
            currency,
            ifNull(reinterpretAsInt128(input), 0),
            ifNull(reinterpretAsInt128(output), 0),
            ifNull(reinterpretAsInt128(cache_read) - ifNull(reinterpretAsInt128(input), 0), 0),
            ifNull(reinterpretAsInt128(cache_write) - ifNull(reinterpretAsInt128(input), 0), 0),
            ifNull(reinterpretAsInt128(cached_input), 0),
            ifNull(reinterpretAsInt128(cached_output), 0),
            ifNull(reinterpretAsInt128(per_inference), 0),
            ifNull(reinterpretAsInt128(cost_multiplier), 0),
            cost_multiplier IS NOT NULL
        ),
        '{{price_type}}'
    ) AS price
FROM ({{versions}})
ORDER BY
    provider = '',
    length(tags) DESC
