-- The rows of some credentials: $1 their ids.
SELECT
    public_id::text AS public_id,
    organization,
    workspace,
    description,
    hash,
    created_at,
    disabled_at,
    expires_at
FROM {{schema}}.tensorzero_auth_api_key
WHERE public_id = ANY($1::bpchar[])
