-- The tables that are to take the live ones' places, written before the first is exchanged: who finishes an interrupted
-- switch tells by the UUID which of them are there already.
CREATE TABLE IF NOT EXISTS {{database}}.replay_switch_v1{{on_cluster}}
(
    name     String,
    uuid     String,
    position UInt64                         -- all of them hold the rows of every event up to here
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY name
{{durability}}
