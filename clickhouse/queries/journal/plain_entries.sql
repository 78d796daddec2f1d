-- The entries of inferences of which at most one row of each kind came, in one statement without a sort: nearly all.
INSERT INTO {{journal}}.usage_entry_v1 ({{columns}})
SELECT
    {{columns}}
FROM (
    SELECT
        r.number AS number,
        {batch:UInt64} AS batch,
        1 AS sign,
        {{at_ms}} AS at_ms,
        max(r.kind = 'inference') AS inference_rows,
        max(r.kind = 'model') AS model_rows,
        max(r.kind = 'batch') AS in_batch,
        {{state}} AS state,
        anyIf(r.credential_id, r.kind = 'inference') AS credential_id,
        anyIf(r.function_name, r.kind = 'inference') AS function_name,
        if(model_rows, anyIf(toNullable(r.model_name), r.kind = 'model'), NULL) AS model_name,
        if(model_rows, anyIf(toNullable(r.model_provider_name), r.kind = 'model'), NULL) AS model_provider_name,
        max(r.id) AS id,
        max(r.cached) AS cached,
        CAST([], 'Array(LowCardinality(String))') AS pairs_before,
        ifNull(max(r.input_tokens), 0) AS input,
        ifNull(max(r.output_tokens), 0) AS output,
        if(cached, 0, input) AS input_tokens,
        if(cached, 0, output) AS output_tokens,
        if(cached, input, 0) AS cached_input_tokens,
        if(cached, output, 0) AS cached_output_tokens,
        if(cached, 0, ifNull(max(r.provider_cache_read_input_tokens), 0)) AS cache_read_tokens,
        if(cached, 0, ifNull(max(r.provider_cache_write_input_tokens), 0)) AS cache_write_tokens,
        max(r.cost) AS known_cost,
        ifNull(known_cost, 0) AS cost_usd,
        model_rows AND known_cost IS NULL AS unpriced,
        0 AS conflicts,
        1 AS inferences,
        1 AS of_model,
        1 AS of_provider,
        1 AS of_pair,
        model_rows AND NOT cached AS of_charge,
        maxIf(r.fingerprint, r.kind = 'inference')
            + maxIf(r.fingerprint, r.kind = 'model')
            + maxIf(r.fingerprint, r.kind = 'batch') AS fingerprint
    FROM {{journal}}.usage_row_v1 AS r
    WHERE {{touched}}
        AND number NOT IN (SELECT number FROM {{journal}}.usage_recount_v1 WHERE batch = {batch:UInt64})
    GROUP BY r.number
    HAVING inference_rows OR model_rows
)
