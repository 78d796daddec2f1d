-- What an anchor says of a day. The fingerprint is that of the rows in force, and of how many ids had rows that
-- differ: together all that a bill shows of usage.
sum(e.model_rows) + sum(e.inference_rows) AS rows,
    sum(e.inferences) AS inferences,
    sum(e.input_tokens) AS input_tokens,
    sum(e.output_tokens) AS output_tokens,
    sum(e.cached_input_tokens) AS cached_input_tokens,
    sum(e.cached_output_tokens) AS cached_output_tokens,
    sum(e.cost_usd) AS cost_usd,
    toUInt128(sum(e.fingerprint) + toUInt128('208329402342874239480923840923840923867') * toUInt128(sum(e.conflicts)))
        AS fingerprint
