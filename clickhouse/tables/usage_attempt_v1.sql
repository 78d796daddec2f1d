-- Every batch that was begun. One that was given up never counts, even if its entries, or its row in usage_batch_v1,
-- arrive late: its number is not used again.
CREATE TABLE IF NOT EXISTS {{database}}.usage_attempt_v1{{on_cluster}}
(
    batch    UInt64,
    given_up Bool
)
ENGINE = {{replicated}}ReplacingMergeTree(given_up)
ORDER BY batch
{{durability}}
