-- Delete the credentials of some keys that the log does not know: $1 the keys' public ids, $2 all credentials it knows.
DELETE FROM keyledger.credential
WHERE public_id = ANY($1::text[]) AND NOT credential_id = ANY($2::text[])
