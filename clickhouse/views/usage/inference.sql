-- Inferences, deduplicated: the greatest row of an id wins. claimed_tags are what the client sent, not what is billed.
CREATE OR REPLACE VIEW {{database}}.inference{{on_cluster}} AS
SELECT
    r.id AS inference_id,
    if(r.at_ms < 0, NULL, fromUnixTimestamp64Milli(r.at_ms, 'UTC')) AS at,      -- NULL: the id is not version 7
    argMax(r.function_name, r.rank) AS function_name,
    argMax(r.credential_id, r.rank) AS credential_id,
    argMax(r.claimed_tags, r.rank) AS claimed_tags
FROM {{database}}.inference_row AS r
GROUP BY
    r.id,
    r.at_ms
