-- Records of the topic that are not events of our log; the records themselves are in the dead-letter topic. An
-- operator's decision has the higher revision: finding the same record again never reopens it.
CREATE TABLE IF NOT EXISTS {{database}}.dead_letter_v1{{on_cluster}}
(
    id            String,                   -- topic/partition/offset
    kind          LowCardinality(String),   -- not_an_event, another_log, forged; switch is not a record, but holds
    detail        String,                   -- why, in our own words
    position      UInt64,                   -- the position that the record claims; 0 if none can be read
    held_position UInt64,                   -- while open, nothing after it is applied; greatest UInt64: holds nothing
    status        LowCardinality(String),   -- open, replayed, waived
    revision      UInt8,                    -- 0 open, 1 decided
    reason        String,                   -- the operator's
    found_at      DateTime64(6, 'UTC'),
    decided_at    Nullable(DateTime64(6, 'UTC'))
)
ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY id
{{durability}}
