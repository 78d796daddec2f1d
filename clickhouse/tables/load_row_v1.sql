-- Which rows each load holds in the gateway's tables. A row that several loads hold is there once, and stays until the
-- last of them leaves. A row that was there before all of them is held by none. In the embedded engine alone.
CREATE TABLE IF NOT EXISTS {{gateway}}.load_row_v1
(
    load   UUID,
    table  LowCardinality(String),
    id     UUID,
    digest FixedString(16)                  -- of all columns: rows of one id may differ
)
ENGINE = MergeTree
ORDER BY (table, id)
{{durability}}
