-- The gateway's own table in its exact shape, created here only if no gateway did: the embedded default and tests.
CREATE TABLE IF NOT EXISTS {{gateway}}.BatchIdByInferenceId{{on_cluster}}
(
    inference_id UUID,
    batch_id UUID
)
ENGINE = {{replicated}}MergeTree
ORDER BY inference_id
