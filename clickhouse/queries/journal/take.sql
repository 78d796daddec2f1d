-- Take rows of some parts of one of the gateway's tables.
INSERT INTO {{journal}}.usage_row_v1
(
    take,
    source,
    number,
    kind,
    id,
    function_name,
    credential_id,
    tags,
    model_name,
    model_provider_name,
    cached,
    input_tokens,
    output_tokens,
    cost,
    provider_cache_read_input_tokens,
    provider_cache_write_input_tokens,
    fingerprint
)
SELECT
    {take:UInt64},
    *
FROM ({{rows}})
{{unknown}}
