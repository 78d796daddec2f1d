-- Each of some rows as stored: its hash, and in which columns it is not as it should be. Writes nothing, and reads no
-- timestamp, because somebody may have written one that no datetime can hold. Arguments as for `differing`.
SELECT
    wanted.public_id::text AS public_id,
    there.hash,
    there.public_id IS NULL AS is_absent,
    coalesce(differing.columns, '{}') AS columns
FROM unnest($1::bpchar[]) AS wanted (public_id)
LEFT JOIN LATERAL (
    SELECT
        public_id,
        hash
    FROM {{schema}}.tensorzero_auth_api_key AS held
    WHERE held.public_id = wanted.public_id
    LIMIT 1
) AS there ON TRUE
LEFT JOIN (
    {{differing}}
) AS differing ON differing.public_id = wanted.public_id
