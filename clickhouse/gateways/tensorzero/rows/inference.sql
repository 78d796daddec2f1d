-- Rows of ChatInference or JsonInference as the usage journal takes them.
SELECT
    '{{table}}' AS source,
    toUInt128(id) AS number,
    'inference' AS kind,
    toUInt128(0) AS row_id,
    toString(function_name) AS function_name,
    tags['tensorzero::api_key_public_id'] AS credential_id,         -- set by the gateway itself; '' without a key
    tags,
    '' AS model_name,
    '' AS model_provider_name,
    false AS cached,
    CAST(NULL, 'Nullable(UInt32)') AS input_tokens,
    CAST(NULL, 'Nullable(UInt32)') AS output_tokens,
    CAST(NULL, 'Nullable(Decimal(18, 9))') AS cost,
    CAST(NULL, 'Nullable(UInt32)') AS provider_cache_read_input_tokens,
    CAST(NULL, 'Nullable(UInt32)') AS provider_cache_write_input_tokens,
    reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(number), {{inference_rank}}))) AS fingerprint
FROM {{gateway}}.{{table}}
WHERE {{of_parts}}
