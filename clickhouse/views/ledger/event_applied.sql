-- Which events are applied, as stored: nothing is filtered, so that breaks and gaps are visible.
CREATE OR REPLACE VIEW {{database}}.event_applied{{on_cluster}} AS
SELECT
    position,
    log_id,
    previous_hash,
    hash,
    recorded_at,
    applied_at
FROM {{database}}.event_applied_v1 FINAL
