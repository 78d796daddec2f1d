-- Every day of an anchor, up to the applied position: hides rows of later or half-written events.
CREATE OR REPLACE VIEW {{database}}.usage_anchor_day{{on_cluster}} AS
SELECT
    source,
    journal,
    day,
    batch,
    position,
    rows,
    inferences,
    input_tokens,
    output_tokens,
    cached_input_tokens,
    cached_output_tokens,
    cost_usd,
    fingerprint
FROM {{database}}.usage_anchor_day_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
