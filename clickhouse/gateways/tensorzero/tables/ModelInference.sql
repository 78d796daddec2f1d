-- The gateway's own table in its exact shape, created here only if no gateway did: the embedded default and tests.
CREATE TABLE IF NOT EXISTS {{gateway}}.ModelInference{{on_cluster}}
(
    id UUID,
    inference_id UUID,
    raw_request String,
    raw_response String,
    model_name LowCardinality(String),
    model_provider_name LowCardinality(String),
    input_tokens Nullable(UInt32),
    output_tokens Nullable(UInt32),
    response_time_ms Nullable(UInt32),
    ttft_ms Nullable(UInt32),
    timestamp DateTime MATERIALIZED UUIDv7ToDateTime(id),
    system Nullable(String),
    input_messages String,
    output String,
    cached Bool DEFAULT false,
    finish_reason Nullable(Enum8('stop' = 1, 'length' = 2, 'tool_call' = 3, 'content_filter' = 4, 'unknown' = 5, 'stop_sequence' = 6)),
    snapshot_hash Nullable(UInt256),
    cost Nullable(Decimal(18, 9)),
    provider_cache_read_input_tokens Nullable(UInt32),
    provider_cache_write_input_tokens Nullable(UInt32),
    function_name LowCardinality(String) DEFAULT '',
    variant_name LowCardinality(String) DEFAULT '',
    INDEX id_index id TYPE bloom_filter GRANULARITY 1
)
ENGINE = {{replicated}}MergeTree
ORDER BY inference_id
