-- One row per event, written last: then all its other rows are written. The sorting key holds the hashes: two different
-- events at one position both stay, and stop the frontier there.
CREATE TABLE IF NOT EXISTS {{database}}.event_applied_v1{{on_cluster}}
(
    position      UInt64 CODEC(Delta, ZSTD),
    log_id        String CODEC(ZSTD),
    previous_hash String CODEC(ZSTD),       -- hex, of the event before; at position 1 only the log vouches for it
    hash          String CODEC(ZSTD),       -- hex
    recorded_at   DateTime64(6, 'UTC'),
    applied_at    DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'),
    INDEX applied_at_range applied_at TYPE minmax GRANULARITY 1  -- finds what came after a checkpoint
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (position, log_id, previous_hash, hash)
{{durability}}
