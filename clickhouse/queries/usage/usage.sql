-- Usage: one row per inference of the period, and per inference id without a time, with the sums of its model rows. The
-- only place where inference rows are deduplicated (and, by model, in usage_by_model): the greatest row of an id wins.
SELECT
    r.number AS number,
    any(r.at_ms) AS at_ms,                                          -- the number decides it
    max(r.is_inference) AS has_inference,
    {{credential_id}} AS credential_id,
    {{function_name}} AS function_name,
    {{claimed_tags}} AS claimed_tags,
    groupUniqArrayIf(r.model_name, NOT r.is_inference) AS models,
    CAST(NULL, 'Nullable(String)') AS model_name,
    CAST(NULL, 'Nullable(String)') AS model_provider_name,
    true AS first,
    sum(if(r.cached, 0, r.input_tokens)) AS input_tokens,
    sum(if(r.cached, 0, r.output_tokens)) AS output_tokens,
    sum(if(r.cached, r.input_tokens, 0)) AS cached_input_tokens,    -- nothing was bought for these
    sum(if(r.cached, r.output_tokens, 0)) AS cached_output_tokens,
    sum(r.cost_usd) AS cost_usd,
    sum(r.unpriced) AS unpriced,
    countIf(NOT r.is_inference) AS model_rows,
    sumIf(r.fingerprint, NOT r.is_inference) AS model_fingerprints,
    sumIf(r.conflicting, NOT r.is_inference) AS model_conflicts,
    {{fingerprint}} AS fingerprint,
    minIf(r.fingerprint, r.is_inference) != maxIf(r.fingerprint, r.is_inference) AS conflicting
FROM (
    SELECT
        number,
        at_ms,
        true AS is_inference,
        credential_id,
        toString(function_name) AS function_name,
        claimed_tags,
        rank,
        reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(number), rank))) AS fingerprint,
        false AS conflicting,
        '' AS model_name,
        false AS cached,
        toUInt64(0) AS input_tokens,
        toUInt64(0) AS output_tokens,
        toDecimal64(0, 9) AS cost_usd,
        false AS unpriced
    FROM {{database}}.inference_row
    WHERE (at_ms >= {{since_ms}} AND at_ms < {{until_ms}}) OR at_ms < 0
    UNION ALL
    SELECT
        number,
        at_ms,
        false AS is_inference,
        '' AS credential_id,
        '' AS function_name,
        map()::Map(String, String) AS claimed_tags,
        '' AS rank,
        fingerprint,
        conflicting,
        model_name,
        cached,
        input_tokens,
        output_tokens,
        cost_usd,
        unpriced
    FROM {{database}}.model_usage_between(since_ms = {{since_ms}}, until_ms = {{until_ms}})
) AS r
GROUP BY r.number
