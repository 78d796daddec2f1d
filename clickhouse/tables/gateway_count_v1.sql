-- What the gateway counted in a time, and the rows of it that came: see gateways/tensorzero/count_watch.py. No bill
-- reads it.
CREATE TABLE IF NOT EXISTS {{database}}.gateway_count_v1{{on_cluster}}
(
    compared_at DateTime64(3, 'UTC'),
    since       DateTime64(3, 'UTC'),
    until       DateTime64(3, 'UTC'),
    counted     UInt64,                     -- inferences, by the gateway's own metrics
    recorded    UInt64,                     -- of them, those with a row
    lost        UInt64,                     -- the difference where it is more than is tolerated, else 0
    failure     String                      -- why nothing could be compared; else ''
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY compared_at
TTL toDateTime(compared_at) + INTERVAL 30 DAY
{{durability}}
