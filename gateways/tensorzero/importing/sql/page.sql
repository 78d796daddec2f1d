-- The next keys of the gateway: $1 the id to start after, $2 how many, $3 and $4 the longest description and name that
-- can be imported. One more character is read, to detect longer ones.
SELECT
    id,
    public_id::text AS public_id,
    left(organization, $4 + 1) AS organization,
    left(workspace, $4 + 1) AS workspace,
    left(description, $3 + 1) AS description,
    left(hash, 65) AS hash,
    created_at,
    disabled_at,
    expires_at
FROM {{schema}}.tensorzero_auth_api_key
WHERE id > $1
ORDER BY id
LIMIT $2
{{lock}}
