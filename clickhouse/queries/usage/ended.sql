-- Per credential the spans [from_ms, until_ms) in which it had ended, as known at a position. Spans of one reason
-- neither overlap nor touch; those of different reasons may. A resumption or a later expiration ends a span.
SELECT
    c.credential_id AS credential_id,
    c.public_id AS public_id,
    c.created_ms AS created_ms,                                     -- exists from then on, as does its key
    s.reason AS reason,
    s.from_ms AS from_ms,
    s.until_ms AS until_ms
FROM (
    SELECT
        owner,
        reason,
        min(begins_ms) AS from_ms,
        max(ends_ms) AS until_ms
    FROM (
        SELECT
            owner,
            reason,
            begins_ms,
            ends_ms,
            sum(apart) OVER (
                PARTITION BY
                    owner,
                    reason
                ORDER BY begins_ms
                ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
            ) AS span
        FROM (
            SELECT
                owner,
                reason,
                begins_ms,
                ends_ms,
                -- A second suspension or expiration without a break between is one span.
                lagInFrame(ends_ms, 1, toInt64(-1)) OVER (
                    PARTITION BY
                        owner,
                        reason
                    ORDER BY begins_ms
                    ROWS BETWEEN 1 PRECEDING AND CURRENT ROW
                ) != begins_ms AS apart
            FROM (
                SELECT
                    owner,
                    reason,
                    greatest(effective_ms, ifNull(at_ms, 9223372036854775807)) AS begins_ms,
                    leadInFrame(effective_ms, 1, toInt64(9223372036854775807)) OVER (
                        PARTITION BY
                            owner,
                            reason
                        ORDER BY effective_ms
                        ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING
                    ) AS ends_ms
                FROM (
                    -- Starts at effective_ms and ends at at_ms, or never if that is NULL.
                    SELECT
                        public_id AS owner,
                        multiIf(
                            kind IN ('created', 'expiration'), 'expired',
                            kind IN ('suspended', 'resumed'), 'suspended',
                            'revoked'
                        ) AS reason,
                        effective_ms,
                        -- At equal times the higher position wins. In a tuple: alone, argMax would skip NULL.
                        argMax(
                            tuple(
                                multiIf(
                                    kind IN ('created', 'expiration'), expiration_ms,
                                    kind = 'resumed', NULL,
                                    effective_ms
                                )
                            ),
                            position
                        ).1 AS at_ms
                    FROM {{database}}.key_life_v1
                    WHERE position <= {{position}}                  -- only what was known by then
                    GROUP BY
                        owner,
                        reason,
                        effective_ms
                    UNION ALL
                    SELECT
                        credential_id AS owner,
                        if(kind = 'revoked', 'credential_revoked', 'credential_expired') AS reason,
                        effective_ms,
                        argMax(tuple(if(kind = 'revoked', effective_ms, expires_ms)), position).1 AS at_ms
                    FROM {{database}}.key_credential_v1
                    WHERE position <= {{position}}                  -- only what was known by then
                    GROUP BY
                        owner,
                        reason,
                        effective_ms
                )
            )
            WHERE begins_ms < ends_ms
        )
    )
    GROUP BY
        owner,
        reason,
        span
) AS s
INNER JOIN (
    -- What ends a key ends all its credentials; what ends a credential ends only that one.
    SELECT
        arrayJoin(
            [
                (k.public_id, ['revoked', 'suspended', 'expired']),
                (k.credential_id, ['credential_revoked', 'credential_expired'])
            ]
        ) AS pair,
        pair.1 AS owner,
        arrayJoin(pair.2) AS reason,
        k.credential_id AS credential_id,
        k.public_id AS public_id,
        greatest(k.created_ms, l.created_ms) AS created_ms
    FROM (
        SELECT
            credential_id,
            any(r.public_id) AS public_id,
            min(effective_ms) AS created_ms
        FROM {{database}}.key_credential_v1 AS r
        WHERE kind = 'created'
            AND position <= {{position}}
        GROUP BY credential_id
    ) AS k
    INNER JOIN (
        SELECT
            public_id,
            min(effective_ms) AS created_ms
        FROM {{database}}.key_life_v1
        WHERE kind = 'created'
            AND position <= {{position}}
        GROUP BY public_id
    ) AS l ON l.public_id = k.public_id
) AS c
    ON c.owner = s.owner
    AND c.reason = s.reason
