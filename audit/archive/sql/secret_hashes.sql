-- The hashes of some secrets, if known: $1 ids of credentials, $2 ids of admin tokens.
SELECT
    'credential' AS kind,
    credential_id AS id,
    secret_hash
FROM keyledger.credential
WHERE credential_id = ANY($1::text[]) AND secret_hash IS NOT NULL
UNION ALL
SELECT
    'admin_token' AS kind,
    token_id AS id,
    secret_hash
FROM keyledger.admin_token
WHERE token_id = ANY($2::text[]) AND secret_hash IS NOT NULL
