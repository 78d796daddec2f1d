-- What models used, deduplicated: the greatest row of an id wins.
CREATE OR REPLACE VIEW {{database}}.model_usage{{on_cluster}} AS
SELECT
    reinterpretAsUUID(bitOr(bitShiftLeft(m.id, 64), bitShiftRight(m.id, 64))) AS id,
    reinterpretAsUUID(bitOr(bitShiftLeft(m.number, 64), bitShiftRight(m.number, 64))) AS inference_id,
    m.model_name AS model_name,
    m.model_provider_name AS model_provider_name,
    if(m.cached, 0, m.input) AS input_tokens,               -- unqualified, a name may be an alias
    if(m.cached, 0, m.output) AS output_tokens,
    if(m.cached, m.input, 0) AS cached_input_tokens,
    if(m.cached, m.output, 0) AS cached_output_tokens,
    if(m.cached, 0, m.cache_read) AS cache_read_tokens,
    if(m.cached, 0, m.cache_write) AS cache_write_tokens,
    m.cost_usd AS cost_usd
FROM (
{{winners}}) AS m
