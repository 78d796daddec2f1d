-- The gateway looks up `public_id = $1 AND hash = $2` with $1 as TEXT, which the index on the CHAR(12) can't serve:
-- without this index every lookup reads the whole table. It also serves the gateway's own disabling and describing.
CREATE INDEX CONCURRENTLY IF NOT EXISTS keyledger_public_id_text
ON {{schema}}.tensorzero_auth_api_key ((public_id::text))
