-- The tables that are to become the live ones, written before the first is exchanged: a run that finishes an
-- interrupted switch sees from the UUIDs which of them already are.
CREATE TABLE IF NOT EXISTS {{database}}.replay_switch_v1{{on_cluster}}
(
    name     String,
    uuid     String,
    position UInt64                         -- all of them hold the rows of every event up to here
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY name
{{durability}}
