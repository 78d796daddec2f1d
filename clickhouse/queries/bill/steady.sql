-- Per credential known at the position, of a key known at it: its key, whether it may be used, and its tags, as of the
-- first instant of the period. Where nothing that decides its bill changes within the period (see `moving_keys`), they
-- hold for all of it.
SELECT
    c.credential_id AS credential_id,
    c.public_id AS public_id,
    (
        c.created
        AND k.created
        AND NOT c.revoked
        AND NOT k.revoked
        AND NOT k.suspended
        AND least(c.expires_ms, k.expires_ms) > {{since_ms}}
    ) AS alive,
    {{tag_columns}}
    true AS known
FROM (
    SELECT
        credential_id,
        any(r.public_id) AS public_id,
        max(r.kind = 'created') AS known,
        max(r.kind = 'created' AND r.effective_ms <= {{since_ms}}) AS created,
        max(r.kind = 'revoked' AND r.effective_ms <= {{since_ms}}) AS revoked,
        argMaxIf(
            ifNull(r.expires_ms, 9223372036854775807),                      -- NULL: does not expire
            {{turn}},
            r.kind IN ('created', 'expiration') AND r.effective_ms <= {{since_ms}}
        ) AS expires_ms
    FROM {{database}}.key_credential_v1 AS r
    WHERE r.position <= {{position}}                                        -- only what was known by then
    GROUP BY credential_id
    HAVING known
) AS c
INNER JOIN (
    SELECT
        public_id,
        max(r.kind = 'created') AS known,
        max(r.kind = 'created' AND r.effective_ms <= {{since_ms}}) AS created,
        max(r.kind = 'revoked' AND r.effective_ms <= {{since_ms}}) AS revoked,
        argMaxIf(
            r.kind = 'suspended',
            {{turn}},
            r.kind IN ('suspended', 'resumed') AND r.effective_ms <= {{since_ms}}
        ) AS suspended,
        argMaxIf(
            ifNull(r.expiration_ms, 9223372036854775807),
            {{turn}},
            r.kind IN ('created', 'expiration') AND r.effective_ms <= {{since_ms}}
        ) AS expires_ms
    FROM {{database}}.key_life_v1 AS r
    WHERE r.position <= {{position}}
    GROUP BY public_id
    HAVING known
) AS k ON k.public_id = c.public_id
{{tags_of_keys}}
