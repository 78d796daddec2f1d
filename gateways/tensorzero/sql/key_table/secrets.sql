-- A page of all rows, including the gateway's own, with their hashes: $1 the id to start after (NULL: from the first),
-- $2 the maximum number of rows.
SELECT
    id,
    public_id::text AS public_id,
    hash
FROM {{schema}}.tensorzero_auth_api_key
WHERE id > coalesce($1::bigint, -9223372036854775808)
ORDER BY id
LIMIT $2
