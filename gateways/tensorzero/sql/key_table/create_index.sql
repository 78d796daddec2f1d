-- The gateway looks up `public_id = $1 AND hash = $2` with $1 as TEXT, which the index of the CHAR(12) can't serve: without
-- this one every look-up reads the whole table. It serves the gateway's own disabling and describing, too.
CREATE INDEX CONCURRENTLY IF NOT EXISTS keyledger_public_id_text
ON {{schema}}.tensorzero_auth_api_key ((public_id::text))
