-- The credentials of some keys: $1 the keys' public ids.
SELECT
    credential_id,
    public_id,
    secret_hash
FROM keyledger.credential
WHERE public_id = ANY($1::text[])
ORDER BY credential_id
