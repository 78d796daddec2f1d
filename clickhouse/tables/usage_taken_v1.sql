-- Which blocks of the gateway's tables are in usage_row_v1. A part is named by the range of its blocks; a merge adds
-- none. The last row of a partition counts, and it names all ranges.
CREATE TABLE IF NOT EXISTS {{database}}.usage_taken_v1{{on_cluster}}
(
    table     String,
    uuid      String,                       -- a table that was dropped and made again has another one; with `past`
                                            -- behind it: blocks that the table has no longer
    partition String,
    take      UInt64,                       -- counts the inserts
    blocks    Array(Tuple(Int64, Int64, UInt64)),   -- first, last, and how many rows were taken from them
    part      String,                       -- a part taken in slices, of which `part_rows` are taken; '' for none
    part_rows UInt64,
    taken_at  DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree(take)
ORDER BY (table, uuid, partition)
{{durability}}
