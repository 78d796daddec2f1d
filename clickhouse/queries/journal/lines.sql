-- The lines of some inferences by the rows in force: of each id the greatest row wins. The only place where rows are
-- deduplicated.
SELECT
    i.credential_id AS credential_id,
    i.at_ms AS at_ms,
    i.number AS number,
    m.id AS id,
    i.state AS state,
    i.function_name AS function_name,
    if(notEmpty(i.models), toNullable(m.model_name), NULL) AS model_name,
    if(notEmpty(i.models), toNullable(m.model_provider_name), NULL) AS model_provider_name,
    m.cached AS cached,
    if(
        of_charge,
        arrayFlatten(arraySlice(i.bought, 1, toInt64(indexOf(i.bought, [m.model_name, m.model_provider_name])) - 1)),
        []
    ) AS pairs_before,
    if(m.cached, 0, m.input_tokens) AS input_tokens,
    if(m.cached, 0, m.output_tokens) AS output_tokens,
    if(m.cached, m.input_tokens, 0) AS cached_input_tokens,
    if(m.cached, m.output_tokens, 0) AS cached_output_tokens,
    if(m.cached, 0, m.cache_read_tokens) AS cache_read_tokens,
    if(m.cached, 0, m.cache_write_tokens) AS cache_write_tokens,
    m.cost_usd AS cost_usd,
    m.unpriced AS unpriced,
    toUInt8(notEmpty(i.models)) AS model_rows,
    toUInt8(n <= 1 AND i.inference_rows) AS inference_rows,
    toUInt8(m.conflicting + (n <= 1 AND i.conflicting)) AS conflicts,
    toUInt8(n <= 1) AS inferences,
    toUInt8(n_model <= 1) AS of_model,
    toUInt8(n_provider <= 1) AS of_provider,
    toUInt8(n_pair <= 1) AS of_pair,
    toUInt8(n > 0 AND NOT m.cached AND n_bought <= 1) AS of_charge,
    m.fingerprint + if(n <= 1, i.fingerprint, 0) AS fingerprint
FROM (
    SELECT
        w.number AS number,
        any(w.at_ms) AS at_ms,
        max(w.kind = 'inference') AS inference_rows,
        max(w.kind = 'batch') AS in_batch,
        anyIf(w.credential_id, w.kind = 'inference') AS credential_id,
        anyIf(w.function_name, w.kind = 'inference') AS function_name,
        maxIf(w.conflicting, w.kind = 'inference') AS conflicting,
        sumIf(w.fingerprint, w.kind != 'model') AS fingerprint,
        {{state}} AS state,
        arraySort(
            row -> row.id,
            groupArrayIf(
                CAST(
                    (
                        w.id,
                        w.model_name,
                        w.model_provider_name,
                        w.cached,
                        ifNull(w.input_tokens, 0),
                        ifNull(w.output_tokens, 0),
                        ifNull(w.provider_cache_read_input_tokens, 0),
                        ifNull(w.provider_cache_write_input_tokens, 0),
                        ifNull(w.cost, 0),
                        w.cost IS NULL,
                        w.conflicting,
                        w.fingerprint
                    ),
                    'Tuple(id UInt128, model_name String, model_provider_name String, cached Bool, input_tokens Int64, output_tokens Int64, cache_read_tokens Int64, cache_write_tokens Int64, cost_usd Decimal(18, 9), unpriced UInt8, conflicting UInt8, fingerprint UInt128)'
                ),
                w.kind = 'model'
            )
        ) AS models,
        arrayDistinct(
            arrayMap(row -> [row.model_name, row.model_provider_name], arrayFilter(row -> NOT row.cached, models))
        ) AS bought                                     -- its pairs of model and provider, in the order of their ids
    FROM (
        SELECT
            number,
            {{at_ms}} AS at_ms,
            kind,
            id,
            argMax(function_name, rank) AS function_name,
            argMax(credential_id, rank) AS credential_id,
            argMax(model_name, rank) AS model_name,
            argMax(model_provider_name, rank) AS model_provider_name,
            argMax(cached, rank) AS cached,
            -- In tuples, as argMax skips NULL.
            argMax(tuple(input_tokens), rank).1 AS input_tokens,
            argMax(tuple(output_tokens), rank).1 AS output_tokens,
            argMax(tuple(cost), rank).1 AS cost,
            argMax(tuple(provider_cache_read_input_tokens), rank).1 AS provider_cache_read_input_tokens,
            argMax(tuple(provider_cache_write_input_tokens), rank).1 AS provider_cache_write_input_tokens,
            argMax(f.fingerprint, rank) AS fingerprint,
            max(several) OR min(f.fingerprint) != max(f.fingerprint) AS conflicting
        FROM (
            SELECT
                r.*,
                {{several}} AS several,
                multiIf(kind = 'model', {{model_rank}}, kind = 'inference', {{inference_rank}}, '') AS rank
            FROM ({{rows}}) AS r
            {{of_winners}}
        ) AS f
        GROUP BY
            number,
            kind,
            id
    ) AS w
    GROUP BY w.number
    HAVING inference_rows OR notEmpty(models)
) AS i
LEFT ARRAY JOIN
    i.models AS m,
    arrayEnumerate(i.models) AS n,
    arrayEnumerateUniq(arrayMap(row -> row.model_name, i.models)) AS n_model,
    arrayEnumerateUniq(arrayMap(row -> row.model_provider_name, i.models)) AS n_provider,
    arrayEnumerateUniq(arrayMap(row -> (row.model_name, row.model_provider_name), i.models)) AS n_pair,
    arrayEnumerateUniq(arrayMap(row -> (row.model_name, row.model_provider_name, row.cached), i.models)) AS n_bought
