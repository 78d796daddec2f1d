-- The gateway's model rows as stored, including duplicates: ids, the time, and what matters to a bill as one string.
CREATE OR REPLACE VIEW {{database}}.model_row{{on_cluster}} AS
SELECT
    id,
    toUInt128(inference_id) AS number,
    {{at_ms}} AS at_ms,
    {{model_rank}} AS rank
FROM {{gateway}}.ModelInference
