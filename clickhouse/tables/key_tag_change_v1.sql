-- One row per tag that an event set or removed. Append-only; a row that comes twice is one row after the merge, and
-- every reader is indifferent to duplicates. One tag's timeline is one contiguous range.
CREATE TABLE IF NOT EXISTS {{database}}.key_tag_change_v1{{on_cluster}}
(
    tag          String,
    public_id    String,                    -- of the key, never of a later credential: rotation copies no history
    effective_ms Int64 CODEC(Delta, ZSTD),  -- from this millisecond on the value counts
    position     UInt64 CODEC(Delta, ZSTD), -- at one instant the higher position wins
    value        Nullable(String),          -- NULL: the tag was removed
    recorded_at  DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (tag, public_id, effective_ms, position)
{{durability}}
