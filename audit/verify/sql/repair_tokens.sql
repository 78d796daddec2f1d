-- Delete the admin tokens that the log does not know: $1 their streams. The others keep the hash of their secret.
DELETE FROM keyledger.admin_token
WHERE stream = ANY($1::text[])
