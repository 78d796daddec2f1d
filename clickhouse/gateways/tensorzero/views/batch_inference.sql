-- The inferences that came through batch requests: their key tag is not the gateway's word.
CREATE OR REPLACE VIEW {{database}}.batch_inference{{on_cluster}} AS
SELECT toUInt128(inference_id) AS number
FROM {{gateway}}.BatchIdByInferenceId
