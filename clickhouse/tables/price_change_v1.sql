-- One row per event that sets or ends a price. The state of a price at t, as known at position P, is the last row with
-- effective_ms <= t and position <= P in the order of (effective_ms, position).
CREATE TABLE IF NOT EXISTS {{database}}.price_change_v1{{on_cluster}}
(
    price_id        String,
    position        UInt64 CODEC(Delta, ZSTD),
    effective_ms    Int64 CODEC(Delta, ZSTD),    -- the terms count from this millisecond on
    kind            Enum8('set' = 1, 'ended' = 2),
    model           String,                      -- '*': any
    provider        Nullable(String),            -- NULL: any
    tags            Map(String, String),         -- the key must have all of them
    currency        LowCardinality(String),
    -- Amounts per million tokens; NULL: the price names none. All are NULL in a row that ends a price.
    input           Nullable(Decimal(38, 18)),
    output          Nullable(Decimal(38, 18)),
    cache_read      Nullable(Decimal(38, 18)),
    cache_write     Nullable(Decimal(38, 18)),
    cached_input    Nullable(Decimal(38, 18)),
    cached_output   Nullable(Decimal(38, 18)),
    per_inference   Nullable(Decimal(38, 18)),
    cost_multiplier Nullable(Decimal(38, 18)),   -- of the recorded cost, in USD
    recorded_at     DateTime64(6, 'UTC')
)
ENGINE = {{replicated}}ReplacingMergeTree
ORDER BY (price_id, effective_ms, position)
{{durability}}
