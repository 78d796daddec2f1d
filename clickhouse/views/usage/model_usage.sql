-- What models used, deduplicated: the greatest row of an id wins.
CREATE OR REPLACE VIEW {{database}}.model_usage{{on_cluster}} AS
SELECT
    m.id AS id,
    reinterpretAsUUID(bitOr(bitShiftLeft(m.number, 64), bitShiftRight(m.number, 64))) AS inference_id,
    m.model_name AS model_name,
    m.model_provider_name AS model_provider_name,
    if(m.cached, 0, m.input_tokens) AS input_tokens,        -- unqualified, a name may be an alias
    if(m.cached, 0, m.output_tokens) AS output_tokens,
    if(m.cached, m.input_tokens, 0) AS cached_input_tokens,
    if(m.cached, m.output_tokens, 0) AS cached_output_tokens,
    if(m.unpriced, NULL, m.cost_usd) AS cost_usd
FROM {{database}}.model_usage_between(since_ms = 0, until_ms = 9223372036854775807) AS m
