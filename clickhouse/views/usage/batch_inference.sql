-- The inferences that came through batch requests: the gateway does not vouch for their key tag.
CREATE OR REPLACE VIEW {{database}}.batch_inference{{on_cluster}} AS
SELECT number
FROM (
{{rows}})
