SELECT DISTINCT
    live,
    log_id
FROM {{database}}.replay_v1
