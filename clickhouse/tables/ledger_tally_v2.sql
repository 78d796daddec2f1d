-- How many rows each event has in the other tables, so that a row which is gone is missed. One row per event, written
-- with them.
CREATE TABLE IF NOT EXISTS {{database}}.ledger_tally_v2{{on_cluster}}
(
    position          UInt64 CODEC(Delta, ZSTD),
    tag_changes       UInt32,
    life              UInt32,
    credentials       UInt32,
    usage_anchors     UInt32,
    usage_anchor_days UInt32,
    price_changes     UInt32
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY position
{{durability}}
