-- The credentials of which something that decides a bill changes within the period, or their keys.
SELECT {{of}}
FROM {{database}}.key_credential_v1
WHERE kind = 'created'
    AND position <= {{position}}
    AND public_id IN ({{keys}})
