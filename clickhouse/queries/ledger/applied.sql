SELECT
    position,
    hash,
    log_id
FROM {{database}}.applied_position
