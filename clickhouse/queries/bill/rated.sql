-- A bill with charges. The parts of the bill are grouped by all that decides a price: model, provider, the tags that
-- prices ask for, and the span between two changes of prices. Each part is rated by the first price that fits, in the
-- order of how much a price says. Amounts are whole numbers of 10^-27 of the currency: exact, whatever is summed.
WITH
    (
        SELECT groupArray(price)
        FROM ({{prices}})
        WHERE model = '*'
    ) AS of_any_model
SELECT
    bucket,
    listed,
    {{by_names}}
    sum(r.inferences) AS inferences,
    sum(r.distinct_inferences) AS distinct_inferences,
    sum(r.input_tokens) AS input_tokens,
    sum(r.output_tokens) AS output_tokens,
    sum(r.cached_input_tokens) AS cached_input_tokens,
    sum(r.cached_output_tokens) AS cached_output_tokens,
    sum(r.cache_read_tokens) AS cache_read_tokens,
    sum(r.cache_write_tokens) AS cache_write_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.unpriced) AS unpriced,
    sum(r.model_rows) AS model_rows,
    sum(r.inference_rows) AS inference_rows,
    sum(r.conflicts) AS conflicts,
    max(r.seen_until_ms) AS seen_until_ms,
    sum(r.usage_fingerprint) AS usage_fingerprint,
    sum(r.entries) AS entries,
    r.price.currency AS currency,
    sum(
        if(
            r.price.multiplied,
            toInt256(reinterpretAsInt128(toDecimal128(r.bought_cost, 9))) * r.price.multiplier,
            1000 * (
                r.input_tokens * r.price.input
                + r.output_tokens * r.price.output
                -- These are parts of input_tokens, and charged by a price of their own where there is one.
                + r.cache_read_tokens * r.price.read_extra
                + r.cache_write_tokens * r.price.write_extra
                + r.cached_input_tokens * r.price.cached_input
                + r.cached_output_tokens * r.price.cached_output
            )
            + 1000000000 * {{charged}} * r.price.per_inference
        )
    ) AS amount,
    sum(multiIf(r.price.price_id = '', r.model_rows, r.price.multiplied, r.bought_unpriced, 0)) AS unrated
FROM (
{{priced}}) AS r
GROUP BY
    {{by_names}}
    bucket,
    listed,
    currency
LIMIT {limit:UInt64}
