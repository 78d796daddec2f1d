SELECT
    position,
    hash,
    log_id,
    recorded_at
FROM {{database}}.applied_position
