-- Whether the table has more than $1 rows, without counting them all.
SELECT count(*) > $1::bigint
FROM (
    SELECT 1
    FROM {{schema}}.tensorzero_auth_api_key
    LIMIT $1::bigint + 1
) AS first_rows
