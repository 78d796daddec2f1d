-- The model rows that count for one inference, one per id, and how many copies of each came; differing copies are
-- decided as in the bill.
SELECT
    reinterpretAsUUID(bitOr(bitShiftLeft(m.id, 64), bitShiftRight(m.id, 64))) AS uuid,
    m.model_name AS model_name,
    m.model_provider_name AS model_provider_name,
    m.input AS input_tokens,
    m.output AS output_tokens,
    m.cache_read AS cache_read_tokens,
    m.cache_write AS cache_write_tokens,
    m.cached AS cached,
    m.cost_usd AS cost_usd,
    m.conflicting AS conflicting,
    m.rows AS rows
FROM (
{{winners}}) AS m
WHERE m.number = toUInt128({inference_id:UUID})
ORDER BY m.id                                          -- for version 7, in order of time
LIMIT {limit:UInt64}
