-- The current state of admin tokens. The hash is written with a token's first row and stays.
INSERT INTO keyledger.admin_token (stream, token_id, secret_hash, document)
SELECT *
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
WHERE (SELECT turn.is_ours FROM turn)
ON CONFLICT (stream) DO UPDATE SET document = excluded.document
