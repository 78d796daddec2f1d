-- The credentials known at the position, of keys known at it, and the key of each.
SELECT
    c.credential_id AS credential_id,
    any(c.public_id) AS public_id
FROM {{database}}.key_credential_v1 AS c
WHERE c.kind = 'created'
    AND c.position <= {{position}}
    AND c.public_id IN (
        SELECT public_id
        FROM {{database}}.key_life_v1
        WHERE kind = 'created'
            AND position <= {{position}}
            {{of_keys}}
    )
GROUP BY c.credential_id
