-- When some credentials were last used, and how often; of other credentials' rows only the tags are read. Inferences
-- from a batch do not count, as the gateway does not vouch for their key tag; nor do ids without a time, or dated after
-- now.
-- `seen_until_ms`, the same on each row, is the latest time of any inference; -1 if there is none.
WITH
    (
        SELECT ifNull(maxOrNull(at_ms), -1)
        FROM {{database}}.inference_row
        WHERE at_ms <= {now_ms:Int64}
    ) AS seen_until_ms
SELECT
    u.credential_id AS credential_id,
    max(u.at_ms) AS last_used_ms,                       -- -1: never
    countIf(u.at_ms >= 0) AS inferences,
    seen_until_ms
FROM (
    SELECT
        i.credential_id AS credential_id,
        toUnixTimestamp64Milli(assumeNotNull(i.at)) AS at_ms
    FROM {{database}}.inference AS i
    WHERE i.at <= fromUnixTimestamp64Milli({now_ms:Int64}, 'UTC')
        AND i.inference_id IN (
            SELECT id
            FROM {{database}}.inference_row
            WHERE credential_id IN {credential_ids:Array(String)}
        )
        AND i.credential_id IN {credential_ids:Array(String)}
        AND toUInt128(i.inference_id) NOT IN (SELECT number FROM {{database}}.batch_inference)
    UNION ALL
    SELECT
        arrayJoin({credential_ids:Array(String)}) AS credential_id,
        toInt64(-1) AS at_ms
) AS u
GROUP BY u.credential_id
