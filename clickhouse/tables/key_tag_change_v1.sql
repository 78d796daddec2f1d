-- One row per tag that an event set or removed. Append-only; duplicates become one row after the merge, and every
-- reader tolerates them. One tag's timeline is one contiguous range. A row whose tag is '', which no tag's name is, says
-- that the scheduled change at the position in its value was cancelled before it took effect.
CREATE TABLE IF NOT EXISTS {{database}}.key_tag_change_v1{{on_cluster}}
(
    tag          String,
    public_id    String,                    -- of the key, never of a later credential: rotation copies no history
    effective_ms Int64 CODEC(Delta, ZSTD),  -- the value counts from this millisecond on
    position     UInt64 CODEC(Delta, ZSTD), -- at equal times the higher position wins
    value        Nullable(String),          -- NULL: the tag was removed
    recorded_at  DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (tag, public_id, effective_ms, position)
{{durability}}
