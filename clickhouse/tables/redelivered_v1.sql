-- Genuine events that were delivered again after they were applied: on purpose, by a retry, or by a stranger. Harmless.
CREATE TABLE IF NOT EXISTS {{database}}.redelivered_v1{{on_cluster}}
(
    id       String,                        -- topic/partition/offset
    position UInt64,
    seen_at  DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY id
TTL toDateTime(seen_at) + INTERVAL 30 DAY
{{durability}}
