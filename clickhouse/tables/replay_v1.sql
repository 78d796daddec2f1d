-- Marks a database created by a replay, with its live ledger and log: a replay writes to and drops no other database.
CREATE TABLE IF NOT EXISTS {{database}}.replay_v1{{on_cluster}}
(
    live    String,                         -- the database of the live ledger
    log_id  String,
    made_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (live, log_id)
{{durability}}
