-- What the collector took from the gateway's tables: its rows, narrowed to what a bill, an explanation or a comparison
-- needs, as stored, duplicates too. Rows are only ever added. Entries are made from them (usage_entry_v1).
CREATE TABLE IF NOT EXISTS {{database}}.usage_row_v1{{on_cluster}}
(
    take                UInt64,                             -- the insert that took it: see usage_taken_v1
    source              LowCardinality(String),             -- the gateway's table, for people who look for the row
    number              UInt128,                            -- of the inference: its id, in the order of time
    kind                Enum8('batch' = 1, 'inference' = 2, 'model' = 3),
    id                  UInt128,                            -- the model row's own id; 0 for other kinds
    function_name       LowCardinality(String),
    credential_id       String,                             -- of an inference row; '' without a key
    tags                Map(String, String),                -- of an inference row, as the gateway has them
    model_name          LowCardinality(String),
    model_provider_name LowCardinality(String),
    cached              Bool,
    input_tokens        Nullable(UInt32),
    output_tokens       Nullable(UInt32),
    cost                Nullable(Decimal(18, 9)),
    provider_cache_read_input_tokens  Nullable(UInt32),
    provider_cache_write_input_tokens Nullable(UInt32),
    fingerprint         UInt128,                            -- of all that decides: equal rows have the same one
    INDEX take_index take TYPE minmax GRANULARITY 1,
    INDEX id_index id TYPE minmax GRANULARITY 1             -- ids are times, too: the same id is found in few granules
)
ENGINE = {{replicated}}MergeTree
ORDER BY (number, kind, id)
{{durability}}
