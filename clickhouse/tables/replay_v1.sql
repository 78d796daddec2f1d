-- Says that a replay made this database, beside which ledger and of which log: no other is written to or dropped.
CREATE TABLE IF NOT EXISTS {{database}}.replay_v1{{on_cluster}}
(
    live    String,                         -- the database of the ledger that it stands beside
    log_id  String,
    made_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (live, log_id)
{{durability}}
