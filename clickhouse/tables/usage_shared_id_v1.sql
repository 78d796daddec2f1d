-- Ids of model rows that rows of several inferences bear: the greatest row wins, so a change of one inference's rows
-- can change what others have. Normally there are none.
CREATE TABLE IF NOT EXISTS {{database}}.usage_shared_id_v1{{on_cluster}}
(
    take   UInt64,                          -- the last insert when this was found
    id     UInt128,
    number UInt128                          -- an inference with a row of this id
)
ENGINE = {{replicated}}MergeTree
ORDER BY (id, number, take)
{{durability}}
