-- What models used, deduplicated: the greatest row of an id wins.
CREATE OR REPLACE VIEW {{database}}.model_usage{{on_cluster}} AS
SELECT
    id,
    reinterpretAsUUID(bitOr(bitShiftLeft(number, 64), bitShiftRight(number, 64))) AS inference_id,
    model_name,
    model_provider_name,
    if(cached, 0, input_tokens) AS input_tokens,
    if(cached, 0, output_tokens) AS output_tokens,
    if(cached, input_tokens, 0) AS cached_input_tokens,
    if(cached, output_tokens, 0) AS cached_output_tokens,
    if(unpriced, NULL, cost_usd) AS cost_usd
FROM {{database}}.model_usage_between(since_ms = 0, until_ms = 9223372036854775807)
