-- Which journal this is. Anchors in the log name it, so that a journal made again is not taken for the one before.
CREATE TABLE IF NOT EXISTS {{database}}.usage_journal_v1{{on_cluster}}
(
    journal UUID,
    made_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = {{replicated}}MergeTree
ORDER BY made_at
{{durability}}
