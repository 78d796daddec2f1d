-- The blocks of rows that the gateway's tables have had. A merge keeps the numbers of its parts' blocks, so one that is
-- in no active part any more was lost or dropped.
CREATE TABLE IF NOT EXISTS {{database}}.gateway_blocks_v1{{on_cluster}}
(
    table     String,
    uuid      String,                       -- a table that was dropped and made again has another one
    partition String,
    blocks    Array(Tuple(Int64, Int64)),   -- the first and the last of each range
    seen_at   DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree(seen_at)
ORDER BY (table, uuid, partition)
{{durability}}
