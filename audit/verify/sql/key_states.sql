-- The rows of some keys: $1 their streams. Times are numbers, because a tampered one may be outside the range of a
-- datetime.
SELECT
    stream,
    public_id,
    created_position,
    tags::text AS tags,
    CASE
        WHEN isfinite(expiration) THEN (extract(EPOCH FROM expiration) * 1000000)::bigint
        WHEN expiration IS NOT NULL THEN 9223372036854775807
    END AS expiration_us,
    CASE
        WHEN isfinite(suspended_at) THEN (extract(EPOCH FROM suspended_at) * 1000000)::bigint
        WHEN suspended_at IS NOT NULL THEN 9223372036854775807
    END AS suspended_us,
    CASE
        WHEN isfinite(revoked_at) THEN (extract(EPOCH FROM revoked_at) * 1000000)::bigint
        WHEN revoked_at IS NOT NULL THEN 9223372036854775807
    END AS revoked_us,
    organization,
    workspace,
    CASE WHEN isfinite(created_at) THEN (extract(EPOCH FROM created_at) * 1000000)::bigint END AS created_us,
    search,
    CASE
        WHEN isfinite(tags_due_at) THEN (extract(EPOCH FROM tags_due_at) * 1000000)::bigint
        WHEN tags_due_at IS NOT NULL THEN 9223372036854775807
    END AS tags_due_us,
    document
FROM keyledger.key_state
WHERE stream = ANY($1::text[])
