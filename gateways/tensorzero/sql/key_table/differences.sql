-- Which rows differ, and in which columns; writes nothing. Arguments as for `differing`.
SELECT
    public_id::text AS public_id,
    is_new,
    hash IS NULL AS without_hash,
    columns
FROM (
    {{differing}}
) AS differing
