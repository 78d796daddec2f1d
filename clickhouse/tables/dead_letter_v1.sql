-- Records of the topic that are no events of our log; the records themselves are in the topic of dead letters.
-- What an operator decided has the higher revision: finding the same record once more never opens it again.
CREATE TABLE IF NOT EXISTS {{database}}.dead_letter_v1{{on_cluster}}
(
    id            String,                   -- topic/partition/offset
    kind          LowCardinality(String),   -- not_an_event, another_log, forged; switch is no record, but holds
    detail        String,                   -- why, in our own words
    position      UInt64,                   -- the position that the record claims; 0 when none can be read
    held_position UInt64,                   -- while open, nothing beyond is applied; the greatest UInt64 holds nothing
    status        LowCardinality(String),   -- open, replayed, waived
    revision      UInt8,                    -- 0 open, 1 decided
    reason        String,                   -- the operator's
    found_at      DateTime64(6, 'UTC'),
    decided_at    Nullable(DateTime64(6, 'UTC'))
)
ENGINE = {{replicated}}ReplacingMergeTree(revision)
ORDER BY id
{{durability}}
