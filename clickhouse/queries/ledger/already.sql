SELECT DISTINCT position
FROM {{database}}.event_applied_v1
WHERE (position, hash) IN ({{events}})
