-- The gateway's inference rows as stored, including duplicates: the id, its time, and what matters to a bill.
CREATE OR REPLACE VIEW {{database}}.inference_row{{on_cluster}} AS
SELECT
    source,                                                         -- the table, for people who look for the row
    id,
    toUInt128(id) AS number,
    {{at_ms}} AS at_ms,
    function_name,
    tags['tensorzero::api_key_public_id'] AS credential_id,         -- set by the gateway itself; '' without a key
    mapFilter((name, value) -> NOT startsWith(name, 'tensorzero::'), tags) AS claimed_tags,
    {{inference_rank}} AS rank
FROM (
    SELECT
        'ChatInference' AS source,
        id,
        function_name,
        tags
    FROM {{gateway}}.ChatInference
    UNION ALL
    SELECT
        'JsonInference' AS source,
        id,
        function_name,
        tags
    FROM {{gateway}}.JsonInference
)
