-- A page of all rows, the gateway's own too, with their hashes: $1 the id after which it begins (NULL: at the first), $2
-- how many at most.
SELECT
    id,
    public_id::text AS public_id,
    hash
FROM {{schema}}.tensorzero_auth_api_key
WHERE id > coalesce($1::bigint, -9223372036854775808)
ORDER BY id
LIMIT $2
