-- A page of the keys that were not revoked: $1 the id to start after, $2 how many at most. Documents are there only of
-- keys with scheduled changes.
SELECT
    stream,
    public_id,
    tags::text AS tags,
    CASE WHEN tags_due_at IS NOT NULL THEN document END AS document
FROM keyledger.key_state
WHERE public_id > $1 AND revoked_at IS NULL
ORDER BY public_id
LIMIT $2
