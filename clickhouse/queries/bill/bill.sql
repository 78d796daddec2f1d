-- The bill, grouped: one row per bucket and line. Usage that belongs to no line (other buckets, other tags) is one row
-- per bucket, so the result stays small and its parts add up to the whole period. Reversals take back what they name,
-- so all of it is sums. With prices it is rated (see rated.sql): one row per bucket, line and currency then.
SELECT
    bucket,
    listed,
    {{by_names}}
    sum({{counted}}) AS inferences,                     -- distinct per line
    sum(a.inferences) AS distinct_inferences,           -- each inference once, however many models it used
    sum(a.input_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cached_input_tokens) AS cached_input_tokens,
    sum(a.cached_output_tokens) AS cached_output_tokens,
    sum(a.cache_read_tokens) AS cache_read_tokens,
    sum(a.cache_write_tokens) AS cache_write_tokens,
    sum(a.cost_usd) AS cost_usd,
    sum(a.unpriced) AS unpriced,
    sum(a.model_rows) AS model_rows,
    sum(a.inference_rows) AS inference_rows,
    sum(a.conflicts) AS conflicts,
    -- -1 for ids without a time. What a wrong clock dated after now hides nothing here: `usage/after_now` counts it.
    max({{seen}}) AS seen_until_ms,
    sum(a.fingerprint) AS usage_fingerprint,
    sum(a.sign) AS entries{{more}}
FROM (
{{labelled}}) AS a
WHERE {{only}}
GROUP BY
    {{by_names}}
    bucket,
    listed{{more_names}}
{{having}}
