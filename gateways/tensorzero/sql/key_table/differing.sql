-- Compare rows as they should be, each column an array, with the stored ones: those that differ, and in which columns.
-- The registry knows nothing below the millisecond: what the gateway itself wrote there is not a difference.
SELECT
    wanted.*,
    held.public_id IS NULL AS is_new,
    array_remove(ARRAY[
        CASE WHEN held.organization IS DISTINCT FROM wanted.organization THEN 'organization' END,
        CASE WHEN held.workspace IS DISTINCT FROM wanted.workspace THEN 'workspace' END,
        CASE WHEN held.description IS DISTINCT FROM wanted.description THEN 'description' END,
        -- A hash that the registry does not have is left unchanged.
        CASE WHEN held.hash IS DISTINCT FROM coalesce(wanted.hash, held.hash, '') THEN 'hash' END,
        CASE
            WHEN date_trunc('milliseconds', held.created_at) IS DISTINCT FROM wanted.created_at THEN 'created_at'
        END,
        CASE
            WHEN date_trunc('milliseconds', held.disabled_at) IS DISTINCT FROM wanted.disabled_at THEN 'disabled_at'
        END,
        CASE
            WHEN date_trunc('milliseconds', held.expires_at) IS DISTINCT FROM wanted.expires_at THEN 'expires_at'
        END
    ], NULL) AS columns
FROM unnest(
    $1::bpchar[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::timestamptz[]
) AS wanted (public_id, organization, workspace, description, hash, created_at, disabled_at, expires_at)
-- One lookup per row, whatever the planner believes about the table's size.
LEFT JOIN LATERAL (
    SELECT *
    FROM {{schema}}.tensorzero_auth_api_key AS there
    WHERE there.public_id = wanted.public_id
    LIMIT 1
) AS held ON TRUE
WHERE
    (
        held.public_id, held.organization, held.workspace, held.description, held.hash,
        date_trunc('milliseconds', held.created_at), date_trunc('milliseconds', held.disabled_at),
        date_trunc('milliseconds', held.expires_at)
    ) IS DISTINCT FROM (
        wanted.public_id, wanted.organization, wanted.workspace, wanted.description, coalesce(wanted.hash, held.hash),
        wanted.created_at, wanted.disabled_at, wanted.expires_at
    )
