-- Per credential, the times at which anything that decides its bill changed, as known at a position: from from_ms on
-- these are its key's tags, and it may be used until alive_until_ms (0: not at all). One row per credential and time,
-- so that an ASOF join has no ties. Everything before the period is one row, because nobody needs more of it.
SELECT
    credential_id,
    public_id,
    from_ms,
    if(
        key_created
        AND credential_created
        AND NOT key_revoked
        AND NOT credential_revoked
        AND NOT ifNull(suspended, false),
        least(ifNull(key_expiration_ms, 9223372036854775807), ifNull(credential_expiration_ms, 9223372036854775807)),
        0
    ) AS alive_until_ms,
    {{tag_columns}}
    true AS known
FROM (
    SELECT
        credential_id,
        public_id,
        from_ms,
        max(p.key_created) OVER so_far AS key_created,
        last_value(p.key_expiration_ms) OVER so_far AS key_expiration_ms,     -- last_value skips NULL: no change here
        last_value(p.suspended) OVER so_far AS suspended,
        max(p.key_revoked) OVER so_far AS key_revoked,
        max(p.credential_created) OVER so_far AS credential_created,
        last_value(p.credential_expiration_ms) OVER so_far AS credential_expiration_ms,
        {{tag_windows}}
        max(p.credential_revoked) OVER so_far AS credential_revoked
    FROM (
        SELECT
            credential_id,
            from_ms,
            any(key_id) AS public_id,
            max(what = 'key created') AS key_created,
            argMaxOrNullIf(until_ms, turn, what IN ('key created', 'key expiration')) AS key_expiration_ms,
            argMaxOrNullIf(what = 'key suspended', turn, what IN ('key suspended', 'key resumed')) AS suspended,
            max(what = 'key revoked') AS key_revoked,
            max(what = 'credential created') AS credential_created,
            argMaxOrNullIf(until_ms, turn, what IN ('credential created', 'credential expiration'))
                AS credential_expiration_ms,
            {{tag_points}}
            max(what = 'credential revoked') AS credential_revoked
        FROM (
            -- What is of a key is of each of its credentials.
            SELECT
                c.credential_id AS credential_id,
                c.public_id AS key_id,
                k.from_ms AS from_ms,
                k.turn AS turn,
                k.what AS what,
                k.until_ms AS until_ms,
                k.tag AS tag,
                k.value AS value
            FROM (
                -- A known credential also has a row before its first time: it is not unknown, but not yet created.
                SELECT
                    public_id,
                    '' AS of_credential,
                    toInt64(-1) AS from_ms,
                    toUInt128(0) AS turn,
                    toLowCardinality('') AS what,
                    toInt64(0) AS until_ms,
                    toLowCardinality('') AS tag,
                    '' AS value
                FROM {{database}}.key_life_v1
                WHERE kind = 'created'
                    AND position <= {{position}}
                    {{of_keys}}
                UNION ALL
                SELECT
                    public_id,
                    credential_id AS of_credential,
                    greatest(effective_ms, {{since_ms}}) AS from_ms,
                    bitOr(bitShiftLeft(toUInt128(effective_ms), 64), toUInt128(position)) AS turn,
                    toLowCardinality(concat('credential ', toString(kind))) AS what,
                    ifNull(expires_ms, 9223372036854775807) AS until_ms,    -- NULL: does not expire
                    toLowCardinality('') AS tag,
                    '' AS value
                FROM {{database}}.key_credential_v1
                WHERE position <= {{position}}                              -- only what was known by then
                    AND effective_ms < {{until_ms}}
                    {{of_keys}}
                UNION ALL
                SELECT
                    public_id,
                    '' AS of_credential,
                    greatest(effective_ms, {{since_ms}}) AS from_ms,
                    bitOr(bitShiftLeft(toUInt128(effective_ms), 64), toUInt128(position)) AS turn,
                    toLowCardinality(concat('key ', toString(kind))) AS what,
                    ifNull(expiration_ms, 9223372036854775807) AS until_ms, -- NULL: does not expire
                    toLowCardinality('') AS tag,
                    '' AS value
                FROM {{database}}.key_life_v1
                WHERE position <= {{position}}                              -- only what was known by then
                    AND effective_ms < {{until_ms}}
                    {{of_keys}}
                UNION ALL
                SELECT
                    public_id,
                    '' AS of_credential,
                    greatest(effective_ms, {{since_ms}}) AS from_ms,
                    bitOr(bitShiftLeft(toUInt128(effective_ms), 64), toUInt128(position)) AS turn,
                    toLowCardinality('tag') AS what,
                    toInt64(0) AS until_ms,
                    toLowCardinality(tag) AS tag,
                    -- A removal needs its own value: argMax and last_value skip NULL, which would bring the removed
                    -- value back. A value has at least one byte, so the empty string can stand for a removal.
                    ifNull(value, '') AS value
                FROM {{tag_changes}}
                WHERE tag IN {{tags}}
                    AND position <= {{position}}                            -- only what was known by then
                    AND {{standing}}
                    AND effective_ms < {{until_ms}}
                    {{of_keys}}
            ) AS k
            INNER JOIN ({{credentials}}) AS c ON c.public_id = k.public_id
            WHERE k.of_credential = '' OR k.of_credential = c.credential_id
        )
        GROUP BY
            credential_id,
            from_ms
    ) AS p
    WINDOW so_far AS (PARTITION BY p.credential_id ORDER BY p.from_ms ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
) AS s
