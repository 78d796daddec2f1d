-- The figures of the entries `a`. Unknown is never shown as 0: where not one model row has a cost, there is none.
sum(a.input_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cached_input_tokens) AS cached_input_tokens,
    sum(a.cached_output_tokens) AS cached_output_tokens,
    sum(a.cache_read_tokens) AS cache_read_tokens,
    sum(a.cache_write_tokens) AS cache_write_tokens,
    if(sum(a.model_rows) = sum(a.unpriced), NULL, sum(a.cost_usd)) AS cost_usd,
    sum(a.unpriced) AS unpriced
