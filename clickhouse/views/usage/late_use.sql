-- Inferences after an end, by all that is applied: how long after it the gateway still served the key. Of the ends that
-- held at the inference's instant it is the one that began first; at one instant, in the order of `reasons`.
-- They are those of the bucket `outside_key_life` but for use before creation, which is not late.
CREATE OR REPLACE VIEW {{database}}.late_use{{on_cluster}} AS
WITH ['revoked', 'suspended', 'expired', 'credential_revoked', 'credential_expired'] AS reasons
SELECT
    inference_id,
    fromUnixTimestamp64Milli(at_ms, 'UTC') AS at,
    public_id,
    credential_id,
    fromUnixTimestamp64Milli(earliest.1, 'UTC') AS ended_at,
    reasons[earliest.2] AS reason,
    at_ms - earliest.1 AS delay_ms
FROM (
    SELECT
        u.inference_id AS inference_id,
        u.at_ms AS at_ms,
        u.credential_id AS credential_id,
        any(e.public_id) AS public_id,
        min((e.from_ms, indexOf(reasons, u.reason))) AS earliest
    FROM (
        SELECT
            inference_id,
            toUnixTimestamp64Milli(assumeNotNull(at)) AS at_ms,
            credential_id,
            arrayJoin(reasons) AS reason
        FROM {{database}}.inference
        WHERE
            -- The few that can be late, before they are deduplicated: at or after the first end of their credential.
            inference_id IN (
                SELECT r.id
                FROM {{database}}.inference_row AS r
                INNER JOIN (
                    SELECT
                        credential_id,
                        min(from_ms) AS from_ms
                    FROM (
{{ended}})
                    GROUP BY credential_id
                ) AS f ON f.credential_id = r.credential_id
                WHERE r.at_ms >= f.from_ms
            )
            -- Of a batch the key tag is not the gateway's word.
            AND toUInt128(inference_id) NOT IN (SELECT number FROM {{database}}.batch_inference)
    ) AS u
    ASOF INNER JOIN (
{{ended}}) AS e
        ON e.credential_id = u.credential_id
        AND e.reason = u.reason
        AND e.from_ms <= u.at_ms                        -- at the very millisecond of an end it has ended
    WHERE u.at_ms < e.until_ms
        AND u.at_ms >= e.created_ms
    GROUP BY
        u.inference_id,
        u.at_ms,
        u.credential_id
)
