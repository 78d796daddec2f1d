-- The keys of which something that decides a bill changes within the period: tags, life or expiration, also that of one
-- of their credentials.
SELECT public_id
FROM {{database}}.key_credential_v1
WHERE position <= {{position}}                          -- only what was known by then
    AND (
        (effective_ms > {{since_ms}} AND effective_ms < {{until_ms}})
        OR (expires_ms > {{since_ms}} AND expires_ms < {{until_ms}})
    )
UNION ALL
SELECT public_id
FROM {{database}}.key_life_v1
WHERE position <= {{position}}
    AND (
        (effective_ms > {{since_ms}} AND effective_ms < {{until_ms}})
        OR (expiration_ms > {{since_ms}} AND expiration_ms < {{until_ms}})
    )
UNION ALL
SELECT public_id
FROM {{tag_changes}}
WHERE tag IN {{tags}}
    AND position <= {{position}}
    AND effective_ms > {{since_ms}}
    AND effective_ms < {{until_ms}}
    AND {{standing}}
