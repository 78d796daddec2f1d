-- The usage journal, as accountants keep books: entries are only ever added, and a correction is a reversal and a new
-- entry, so that a bill is a sum. One entry per model row, or one for an inference without any. A reversal has all
-- figures of what it takes back, negated.
CREATE TABLE IF NOT EXISTS {{database}}.usage_entry_v1{{on_cluster}}
(
    credential_id       String,                             -- '' without a key, or without an inference row
    at_ms               Int64,                              -- the instant in the inference's id; -1: it has none
    number              UInt128 CODEC(ZSTD),                -- of the inference: its id, in the order of time
    id                  UInt128 CODEC(ZSTD),                -- the model row's; 0 without one
    batch               UInt64 CODEC(Delta, ZSTD),          -- counts once usage_batch_v1 has it
    sign                Int8,                               -- 1, or -1 for a reversal
    -- What usage alone decides: an attributed entry's bucket is its key's matter.
    state               Enum8('bad_id' = 1, 'batch', 'orphan', 'unkeyed', 'attributed'),
    function_name       LowCardinality(String),
    model_name          LowCardinality(Nullable(String)),   -- NULL: an inference without model rows
    model_provider_name LowCardinality(Nullable(String)),
    cached              Bool,                               -- from the gateway's own cache
    -- Where of_charge is 1, the pairs of model and provider that the inference had bought before: [model, provider, …].
    pairs_before        Array(LowCardinality(String)),
    input_tokens        Int64 CODEC(T64, ZSTD),             -- of rows that are not cached, the provider's cache included
    output_tokens       Int64 CODEC(T64, ZSTD),
    cached_input_tokens Int64 CODEC(T64, ZSTD),             -- of cached rows: nothing was bought for them
    cached_output_tokens Int64 CODEC(T64, ZSTD),
    cache_read_tokens   Int64 CODEC(T64, ZSTD),             -- parts of input_tokens
    cache_write_tokens  Int64 CODEC(T64, ZSTD),
    cost_usd            Decimal(18, 9) CODEC(T64, ZSTD),    -- 0 without a cost
    unpriced            Int8,                               -- 1 for a model row without a cost
    model_rows          Int8,                               -- 1 for a model row
    inference_rows      Int8,                               -- 1 on one entry of an inference that has its own row
    conflicts           Int8,                               -- ids on this entry under which rows came that differ
    inferences          Int8,                               -- 1 on one entry of an inference
    of_model            Int8,                               -- 1 on one entry of each of its models,
    of_provider         Int8,                               -- of each of its providers,
    of_pair             Int8,                               -- and of each pair of both
    of_charge           Int8,                               -- and on the first row of each pair that is not cached
    fingerprint         UInt128 CODEC(ZSTD),                -- of the rows; subtracted in a reversal, modulo 2^128
    INDEX batch_index batch TYPE minmax GRANULARITY 1
)
ENGINE = {{replicated}}MergeTree
PARTITION BY if(at_ms < 0, 0, toYYYYMM(fromUnixTimestamp64Milli(least(at_ms, 4102444800000), 'UTC')))
ORDER BY (credential_id, at_ms)
{{durability}}
