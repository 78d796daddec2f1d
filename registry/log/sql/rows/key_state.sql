-- The current state of keys. Organization, workspace and creation stay for life.
INSERT INTO keyledger.key_state (
    stream, public_id, created_position, tags, expiration, suspended_at, revoked_at, document, organization,
    workspace, created_at, search, tags_due_at
)
SELECT stream, public_id, created_position, tags::jsonb, expiration, suspended_at, revoked_at, document,
    organization, workspace, created_at, search, tags_due_at
FROM unnest(
    $1::text[], $2::text[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[],
    $7::timestamptz[], $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::text[],
    $13::timestamptz[]
) AS row (
    stream, public_id, created_position, tags, expiration, suspended_at, revoked_at, document, organization,
    workspace, created_at, search, tags_due_at
)
WHERE (SELECT turn.is_ours FROM turn)
ON CONFLICT (stream) DO UPDATE SET
    tags = excluded.tags,
    expiration = excluded.expiration,
    suspended_at = excluded.suspended_at,
    revoked_at = excluded.revoked_at,
    document = excluded.document,
    search = excluded.search,
    tags_due_at = excluded.tags_due_at
