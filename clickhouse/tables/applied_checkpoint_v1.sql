-- Frontiers that were verified once, so that the next derivation starts there. Only an optimisation: losing it is
-- harmless.
CREATE TABLE IF NOT EXISTS {{database}}.applied_checkpoint_v1{{on_cluster}}
(
    position    UInt64,
    hash        String,
    log_id      String,
    recorded_at DateTime64(6, 'UTC'),
    checked_at  DateTime64(6, 'UTC')        -- before the derivation began: rows applied since are read again
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (position, hash, log_id)
{{durability}}
