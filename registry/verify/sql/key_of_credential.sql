-- The key that has a credential: $1 its id; with the hashes of all its credentials, and the head of the log. One row,
-- without a document where there is no such credential.
SELECT
    (SELECT coalesce(max(position), 0) FROM keyledger.event) AS head,
    state.stream,
    state.document,
    (
        SELECT json_object_agg(own.credential_id, own.secret_hash)::text
        FROM keyledger.credential AS own
        WHERE own.public_id = state.public_id
    ) AS hashes
FROM (SELECT 1) AS one
LEFT JOIN keyledger.credential AS asked ON asked.credential_id = $1
LEFT JOIN keyledger.key_state AS state ON state.public_id = asked.public_id
