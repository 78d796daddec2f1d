-- The current state of keys, each column an array.
INSERT INTO keyledger.key_state (stream, public_id, created_position, tags, expiration, revoked_at, document)
SELECT stream, public_id, created_position, tags::jsonb, expiration, revoked_at, document
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::text[])
    AS row (stream, public_id, created_position, tags, expiration, revoked_at, document)
ON CONFLICT (stream) DO UPDATE SET
    tags = excluded.tags,
    expiration = excluded.expiration,
    revoked_at = excluded.revoked_at,
    document = excluded.document
