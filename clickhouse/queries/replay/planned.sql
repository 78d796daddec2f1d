SELECT
    name,
    uuid,
    position
FROM {{database}}.replay_switch_v1 FINAL
