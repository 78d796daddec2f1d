-- How many credentials there are, and of how many something changes within the period; and which, unless they are many.
SELECT
    count() AS credentials,
    countIf(moving) AS moving_credentials,
    groupArrayIf({{more_than_few}})(credential_id, moving) AS credential_ids,
    groupArrayIf({{more_than_few}})(public_id, moving) AS public_ids
FROM (
    SELECT
        credential_id,
        public_id,
        public_id IN ({{keys}}) AS moving
    FROM {{database}}.key_credential_v1
    WHERE kind = 'created'
        AND position <= {{position}}
)
