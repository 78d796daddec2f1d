-- The current state of admin tokens; the hash comes with the first row of a token and stays.
INSERT INTO keyledger.admin_token (stream, token_id, secret_hash, document)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[])
ON CONFLICT (stream) DO UPDATE SET document = excluded.document
