-- The gateway's own table in its exact shape, created here only if no gateway did: the embedded default and tests.
CREATE TABLE IF NOT EXISTS {{gateway}}.JsonInference{{on_cluster}}
(
    id UUID,
    function_name LowCardinality(String),
    variant_name LowCardinality(String),
    episode_id UUID,
    input String,
    output String,
    output_schema String,
    inference_params String,
    processing_time_ms Nullable(UInt32),
    timestamp DateTime MATERIALIZED UUIDv7ToDateTime(id),
    tags Map(String, String) DEFAULT map(),
    extra_body Nullable(String),
    auxiliary_content String,
    ttft_ms Nullable(UInt32),
    snapshot_hash Nullable(UInt256),
    INDEX inference_id_index id TYPE bloom_filter GRANULARITY 1
)
ENGINE = {{replicated}}MergeTree
ORDER BY (function_name, variant_name, episode_id)
