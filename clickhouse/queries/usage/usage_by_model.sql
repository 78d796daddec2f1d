-- Usage by model: like usage, but one row per inference and model (or provider, or both). Columns not grouped by are
-- NULL, so that an inference that used one model twice is one row. Values of the inference rather than the model are on
-- each of its rows; `first` marks the one that counts for it. Only the bill reads it, so there are no claimed tags
-- here.
SELECT
    * EXCEPT (parts, used),
    first,
    part.1 AS model_name,
    part.2 AS model_provider_name,
    part.3 AS input_tokens,
    part.4 AS output_tokens,
    part.5 AS cached_input_tokens,
    part.6 AS cached_output_tokens,
    part.7 AS cost_usd,
    part.8 AS unpriced
FROM (
    SELECT
        r.number AS number,
        any(r.at_ms) AS at_ms,                                      -- the number decides it
        max(r.is_inference) AS has_inference,
        {{credential_id}} AS credential_id,
        {{function_name}} AS function_name,
        sum(r.model_rows) AS model_rows,
        sumIf(r.fingerprint, NOT r.is_inference) AS model_fingerprints,
        sum(r.model_conflicts) AS model_conflicts,
        {{fingerprint}} AS fingerprint,
        minIf(r.fingerprint, r.is_inference) != maxIf(r.fingerprint, r.is_inference) AS conflicting,
        groupArrayIf(r.part, NOT r.is_inference) AS used,
        -- An inference without model rows is one row with empty values.
        if(empty(used), [{{no_part}}], used) AS parts
    FROM (
        SELECT
            number,
            at_ms,
            true AS is_inference,
            credential_id,
            toString(function_name) AS function_name,
            rank,
            reinterpretAsUInt128(sipHash128(concat(reinterpretAsFixedString(number), rank))) AS fingerprint,
            toUInt64(0) AS model_rows,
            toUInt64(0) AS model_conflicts,
            {{no_part}} AS part
        FROM {{database}}.inference_row
        WHERE (at_ms >= {{since_ms}} AND at_ms < {{until_ms}}) OR at_ms < 0
        UNION ALL
        SELECT
            m.number AS number,
            any(m.at_ms) AS at_ms,
            false AS is_inference,
            '' AS credential_id,
            '' AS function_name,
            '' AS rank,
            sum(m.fingerprint) AS fingerprint,
            count() AS model_rows,
            countIf(m.conflicting) AS model_conflicts,
            (
                model,
                provider,
                sum(if(m.cached, 0, m.input_tokens)),
                sum(if(m.cached, 0, m.output_tokens)),
                sum(if(m.cached, m.input_tokens, 0)),               -- nothing was bought for these
                sum(if(m.cached, m.output_tokens, 0)),
                sum(m.cost_usd),
                countIf(m.unpriced)
            ) AS part
        FROM {{database}}.model_usage_between(since_ms = {{since_ms}}, until_ms = {{until_ms}}) AS m
        GROUP BY
            m.number,
            CAST({{model}}, 'Nullable(String)') AS model,
            CAST({{provider}}, 'Nullable(String)') AS provider
    ) AS r
    GROUP BY r.number
)
ARRAY JOIN
    parts AS part,
    arrayMap(n -> n = 1, arrayEnumerate(parts)) AS first
