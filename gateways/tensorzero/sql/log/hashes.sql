-- The hashes of all credentials of some keys: $1 their public ids.
SELECT
    credential_id,
    secret_hash
FROM keyledger.credential
WHERE public_id = ANY($1::text[])
