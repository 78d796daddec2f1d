-- The bill, grouped: one row per bucket and line. Usage that belongs to no line (other buckets, other tags) is one row
-- per bucket, so the result stays small and its parts add up to the whole period.
SELECT
    bucket,
    listed,
    {{by_columns}}
    count() AS inferences,                              -- distinct per line: one row per inference and line
    countIf(first) AS distinct_inferences,              -- each inference once, however many models it used
    sum(a.input_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cached_input_tokens) AS cached_input_tokens,
    sum(a.cached_output_tokens) AS cached_output_tokens,
    sum(a.cost_usd) AS cost_usd,
    sum(a.unpriced) AS unpriced,
    sumIf(model_rows + has_inference, first) AS rows,
    sumIf(model_conflicts, first) AS conflicting_model_rows,
    countIf(conflicting AND first) AS conflicting_inferences,
    -- -1 for ids without a time. What a wrong clock dated after now hides nothing here: `usage/after_now` counts it.
    maxIf(a.at_ms, a.at_ms <= {now_ms:Int64}) AS seen_until_ms,
    -- Every row included, in any order: rows hold all that decides, and batch membership also decides.
    sumIf(
        model_fingerprints
        + if(has_inference, fingerprint, 0)
        + if(batch, reinterpretAsUInt128(sipHash128(concat('batch', reinterpretAsFixedString(number)))), 0),
        first
    ) AS usage_fingerprint
FROM (
    SELECT
        *,
        bucket IN ('keyed', 'outside_key_life') {{tag_filter}}AS listed,
        toInt64({{offset}}) AS offset_s                 -- of the requested zone, at that time
    FROM ({{attributed}})
) AS a
GROUP BY
    {{by_names}}
    bucket,
    listed
LIMIT {limit:UInt64}
