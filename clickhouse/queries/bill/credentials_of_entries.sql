-- The credentials that entries name, and their keys, unless they are many.
SELECT
    groupArray({{more_than_few}})(credential_id) AS credential_ids,
    (
        SELECT groupUniqArray({{more_than_few}})(public_id)
        FROM {{database}}.key_credential_v1
        WHERE credential_id IN (SELECT credential_id FROM ({{entries}}))
    ) AS public_ids
FROM (
    SELECT DISTINCT credential_id
    FROM ({{entries}})
)
