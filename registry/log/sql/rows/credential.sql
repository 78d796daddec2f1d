-- The hashes of new credentials. A credential's hash never changes, so a repeat is an error.
INSERT INTO keyledger.credential (credential_id, public_id, secret_hash)
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[])
WHERE (SELECT turn.is_ours FROM turn)
