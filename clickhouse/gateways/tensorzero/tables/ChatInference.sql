-- The gateway's own table in its exact shape, created here only if no gateway did: the embedded default and tests.
CREATE TABLE IF NOT EXISTS {{gateway}}.ChatInference{{on_cluster}}
(
    id UUID,
    function_name LowCardinality(String),
    variant_name LowCardinality(String),
    episode_id UUID,
    input String,
    output String,
    tool_params String,
    inference_params String,
    processing_time_ms Nullable(UInt32),
    timestamp DateTime MATERIALIZED UUIDv7ToDateTime(id),
    tags Map(String, String) DEFAULT map(),
    extra_body Nullable(String),
    ttft_ms Nullable(UInt32),
    dynamic_tools Array(String),
    dynamic_provider_tools Array(String),
    allowed_tools Nullable(String),
    tool_choice Nullable(String),
    parallel_tool_calls Nullable(Bool),
    snapshot_hash Nullable(UInt256),
    INDEX inference_id_index id TYPE bloom_filter GRANULARITY 1
)
ENGINE = {{replicated}}MergeTree
ORDER BY (function_name, variant_name, episode_id)
