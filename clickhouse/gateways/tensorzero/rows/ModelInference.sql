-- Rows of ModelInference as the usage journal takes them.
SELECT
    'ModelInference' AS source,
    toUInt128(inference_id) AS number,
    'model' AS kind,
    toUInt128(id) AS row_id,
    '' AS function_name,
    '' AS credential_id,
    CAST(map(), 'Map(String, String)') AS tags,
    toString(model_name) AS model_name,
    toString(model_provider_name) AS model_provider_name,
    cached,
    input_tokens,
    output_tokens,
    cost,
    provider_cache_read_input_tokens,
    provider_cache_write_input_tokens,
    reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(id), {{model_rank}}))) AS fingerprint
FROM {{gateway}}.ModelInference
WHERE {{of_parts}}
