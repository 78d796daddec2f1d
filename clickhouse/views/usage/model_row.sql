-- The gateway's model rows as the journal took them, duplicates too. Of one id the greatest `rank` wins.
CREATE OR REPLACE VIEW {{database}}.model_row{{on_cluster}} AS
SELECT
    id,
    number,
    {{at_ms}} AS at_ms,
    model_name,
    model_provider_name,
    cached,
    input_tokens,
    output_tokens,
    cost,
    provider_cache_read_input_tokens,
    provider_cache_write_input_tokens,
    {{model_rank}} AS rank
FROM (
{{rows}})
