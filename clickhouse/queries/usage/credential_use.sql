-- When some credentials were last used, and how often, by the journal. Inferences from a batch do not count, as the
-- gateway does not vouch for their key tag; nor do ids without a time, or dated after now.
SELECT
    u.credential_id AS credential_id,
    max(u.at_ms) AS last_used_ms,                       -- -1: never
    countIf(u.at_ms >= 0) AS inferences
FROM (
    SELECT
        e.credential_id AS credential_id,
        any(e.at_ms) AS at_ms
    FROM {{journal}}.usage_entry_v1 AS e
    WHERE e.credential_id IN {credential_ids:Array(String)}
        AND e.state = 'attributed'
        AND e.at_ms <= {now_ms:Int64}
        AND e.batch <= {batch:UInt64}
        AND e.batch NOT IN {given_up:Array(UInt64)}
    GROUP BY
        e.credential_id,
        e.number
    HAVING sum(e.sign) != 0
    UNION ALL
    SELECT
        arrayJoin({credential_ids:Array(String)}) AS credential_id,
        toInt64(-1) AS at_ms
) AS u
GROUP BY u.credential_id
