-- Inferences that the batch in progress counts with care: some of their rows are older than the batch, or there are
-- several of a kind. Emptied after each batch.
CREATE TABLE IF NOT EXISTS {{database}}.usage_recount_v1{{on_cluster}}
(
    batch  UInt64,
    number UInt128
)
ENGINE = {{replicated}}MergeTree
ORDER BY (batch, number)
{{durability}}
