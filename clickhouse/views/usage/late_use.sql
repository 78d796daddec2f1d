-- Inferences after an end, by everything that is applied: how long after it the gateway still served the key. Of
-- several ends in force at the inference's time, the one that began first counts; at equal times, the order of
-- `reasons` decides. These are the inferences of the bucket `outside_key_life`, except use before creation, which is
-- not late.
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
            -- Only the candidates, before deduplication: at or after the first end of their credential.
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
            -- For a batch, the gateway does not vouch for the key tag.
            AND toUInt128(inference_id) NOT IN (SELECT number FROM {{database}}.batch_inference)
    ) AS u
    ASOF INNER JOIN (
{{ended}}) AS e
        ON e.credential_id = u.credential_id
        AND e.reason = u.reason
        AND e.from_ms <= u.at_ms                        -- in the very millisecond of an end, it has ended
    WHERE u.at_ms < e.until_ms
        AND u.at_ms >= e.created_ms
    GROUP BY
        u.inference_id,
        u.at_ms,
        u.credential_id
)
