-- The credentials of the key that has the credential `key`, as known at the position, and the key's own id.
SELECT
    arraySort(groupUniqArray(credential_id)),
    groupUniqArray(public_id)
FROM {{database}}.key_credential_v1
WHERE kind = 'created'
    AND position <= {{position}}
    AND public_id IN (
        SELECT public_id
        FROM {{database}}.key_credential_v1
        WHERE kind = 'created'
            AND position <= {{position}}
            AND credential_id = {key:String}
    )
