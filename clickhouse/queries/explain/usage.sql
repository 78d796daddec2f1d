-- One inference as the bill sees it: the rows of a bill for its own millisecond, of which it is one.
SELECT
    toString(a.bucket) AS bucket,
    a.public_id AS public_id,
    a.has_inference AS has_inference,
    a.batch AS batch,
    a.credential_id AS credential_id,
    a.model_rows AS model_rows,
    a.input_tokens AS input_tokens,
    a.output_tokens AS output_tokens,
    a.cached_input_tokens AS cached_input_tokens,
    a.cached_output_tokens AS cached_output_tokens,
    a.cost_usd AS cost_usd,
    a.unpriced AS unpriced
FROM (
{{attributed}}) AS a
WHERE a.number = toUInt128({inference_id:UUID})
