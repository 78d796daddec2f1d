-- The batches of entries that count. Each takes up the rows of the inserts after `take_from` up to `take_to`, of the
-- inferences up to `until_number`: more than one is needed where many rows came at once.
CREATE TABLE IF NOT EXISTS {{database}}.usage_batch_v1{{on_cluster}}
(
    batch        UInt64,
    take_from    UInt64,
    take_to      UInt64,
    until_number UInt128,
    vanished     UInt64,                    -- inferences of which nothing is left: all their rows went
    made_at      DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY batch
{{durability}}
