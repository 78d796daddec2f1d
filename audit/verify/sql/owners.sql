-- Which credentials own the secrets with these hashes: $1 the hashes.
SELECT
    credential_id,
    public_id,
    secret_hash
FROM keyledger.credential
WHERE secret_hash = ANY($1::text[])
