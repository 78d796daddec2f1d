-- Rows of BatchIdByInferenceId as the usage journal takes them: the gateway does not vouch for these keys.
SELECT
    'BatchIdByInferenceId' AS source,
    toUInt128(inference_id) AS number,
    'batch' AS kind,
    toUInt128(0) AS row_id,
    '' AS function_name,
    '' AS credential_id,
    CAST(map(), 'Map(String, String)') AS tags,
    '' AS model_name,
    '' AS model_provider_name,
    false AS cached,
    CAST(NULL, 'Nullable(UInt32)') AS input_tokens,
    CAST(NULL, 'Nullable(UInt32)') AS output_tokens,
    CAST(NULL, 'Nullable(Decimal(18, 9))') AS cost,
    CAST(NULL, 'Nullable(UInt32)') AS provider_cache_read_input_tokens,
    CAST(NULL, 'Nullable(UInt32)') AS provider_cache_write_input_tokens,
    reinterpretAsUInt128(sipHash128(concat('batch', reinterpretAsFixedString(number)))) AS fingerprint
FROM {{gateway}}.BatchIdByInferenceId
WHERE {{of_parts}}
