-- Blocks of the gateway's tables that may vanish, as all their rows are taken back: see gateway_blocks_v1. Written
-- before the rows go, so that a kill in between raises no alarm.
CREATE TABLE IF NOT EXISTS {{database}}.gateway_blocks_released_v1{{on_cluster}}
(
    table     String,
    uuid      String,
    partition String,
    blocks    Array(Tuple(Int64, Int64))    -- the first and the last of each range
)
ENGINE = {{replicated}}MergeTree
ORDER BY (table, uuid, partition)
{{durability}}
