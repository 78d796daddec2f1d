-- Whose the secrets of some hashes are: $1 the hashes.
SELECT
    credential_id,
    public_id,
    secret_hash
FROM keyledger.credential
WHERE secret_hash = ANY($1::text[])
