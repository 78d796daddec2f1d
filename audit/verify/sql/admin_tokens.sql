-- The rows of some admin tokens: $1 their streams.
SELECT
    stream,
    token_id,
    secret_hash,
    document
FROM keyledger.admin_token
WHERE stream = ANY($1::text[])
