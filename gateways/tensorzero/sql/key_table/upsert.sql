-- Make rows what they should be, in one statement. Rows that are already correct are neither changed nor locked, and
-- none is ever deleted. Arguments as for `differing`; returns the rows that differed. A new one without a hash is not
-- written.
WITH differing AS (
    {{differing}}
),
changed AS (
    UPDATE {{schema}}.tensorzero_auth_api_key AS held
    SET
        organization = differing.organization,
        workspace = differing.workspace,
        description = differing.description,
        hash = coalesce(differing.hash, held.hash),
        created_at = differing.created_at,
        disabled_at = differing.disabled_at,
        expires_at = differing.expires_at,
        updated_at = clock_timestamp()
    FROM differing
    WHERE held.public_id = differing.public_id AND NOT differing.is_new
),
added AS (
    INSERT INTO {{schema}}.tensorzero_auth_api_key AS held (
        organization, workspace, description, public_id, hash, created_at, disabled_at, expires_at
    )
    SELECT
        organization, workspace, description, public_id, hash, created_at, disabled_at, expires_at
    FROM differing
    WHERE is_new AND hash IS NOT NULL
    -- Somebody has written the row since this statement began.
    ON CONFLICT (public_id) DO UPDATE SET
        organization = excluded.organization,
        workspace = excluded.workspace,
        description = excluded.description,
        hash = excluded.hash,
        created_at = excluded.created_at,
        disabled_at = excluded.disabled_at,
        expires_at = excluded.expires_at,
        updated_at = clock_timestamp()
)
SELECT
    public_id::text AS public_id,
    is_new,
    hash IS NULL AS without_hash,
    columns
FROM differing
