-- The rows of some keys: $1 their streams.
SELECT
    stream,
    public_id,
    created_position,
    tags::text AS tags,
    expiration,
    revoked_at,
    document
FROM keyledger.key_state
WHERE stream = ANY($1::text[])
