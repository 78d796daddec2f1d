-- Model rows, one per id: the greatest row wins.
SELECT
    r.id AS id,
    argMax(r.number, r.rank) AS number,
    argMax(r.model_name, r.rank) AS model_name,
    argMax(r.model_provider_name, r.rank) AS model_provider_name,
    argMax(r.cached, r.rank) AS cached,
    toUInt64(ifNull(argMax(tuple(r.input_tokens), r.rank).1, 0)) AS input,        -- in tuples, as argMax skips NULL
    toUInt64(ifNull(argMax(tuple(r.output_tokens), r.rank).1, 0)) AS output,
    toUInt64(ifNull(argMax(tuple(r.provider_cache_read_input_tokens), r.rank).1, 0)) AS cache_read,
    toUInt64(ifNull(argMax(tuple(r.provider_cache_write_input_tokens), r.rank).1, 0)) AS cache_write,
    argMax(tuple(r.cost), r.rank).1 AS cost_usd,
    min(r.rank) != max(r.rank) AS conflicting,
    count() AS rows
FROM {{database}}.model_row AS r
{{which}}GROUP BY r.id
