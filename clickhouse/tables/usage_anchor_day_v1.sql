-- One row per day of an anchor: the sums of the whole day as of the anchor's batch. A day that did not change since the
-- anchor before has no row.
CREATE TABLE IF NOT EXISTS {{database}}.usage_anchor_day_v1{{on_cluster}}
(
    source               LowCardinality(String),
    journal              UUID,
    day                  Int32,                     -- days since 1970 (UTC); -1: usage without an instant
    batch                UInt64,
    position             UInt64 CODEC(Delta, ZSTD),
    rows                 UInt64,
    inferences           UInt64,
    input_tokens         UInt64,
    output_tokens        UInt64,
    cached_input_tokens  UInt64,
    cached_output_tokens UInt64,
    cost_usd             Decimal(38, 9),
    fingerprint          UInt128
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (source, journal, day, position)
{{durability}}
