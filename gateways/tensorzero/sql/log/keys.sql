-- The current state of some keys, with the hashes of all their credentials, all as of one moment: $1 the streams.
SELECT
    state.stream,
    state.document,
    ARRAY(
        SELECT one.credential_id
        FROM keyledger.credential AS one
        WHERE one.public_id = state.public_id
        ORDER BY one.credential_id
    ) AS credential_ids,
    ARRAY(
        SELECT one.secret_hash
        FROM keyledger.credential AS one
        WHERE one.public_id = state.public_id
        ORDER BY one.credential_id
    ) AS hashes
FROM keyledger.key_state AS state
WHERE state.stream = ANY($1::text[])
