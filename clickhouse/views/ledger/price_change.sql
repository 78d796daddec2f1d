-- Every price set or ended, up to the applied position: hides rows of later or half-written events.
CREATE OR REPLACE VIEW {{database}}.price_change{{on_cluster}} AS
SELECT
    price_id,
    position,
    effective_ms,
    kind,
    model,
    provider,
    tags,
    currency,
    input,
    output,
    cache_read,
    cache_write,
    cached_input,
    cached_output,
    per_inference,
    cost_multiplier,
    recorded_at
FROM {{database}}.price_change_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
