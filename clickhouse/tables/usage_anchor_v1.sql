-- One row per UsageAnchored event. An anchor counts when its last part is there.
CREATE TABLE IF NOT EXISTS {{database}}.usage_anchor_v1{{on_cluster}}
(
    source      LowCardinality(String),    -- of usage: the name of a gateway
    journal     UUID,
    batch       UInt64,                    -- the journal's last batch that the anchor covers
    position    UInt64 CODEC(Delta, ZSTD),
    part        UInt32,                    -- 1, 2, 3 … of `parts`, at consecutive positions
    parts       UInt32,
    recorded_at DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (source, position)
{{durability}}
