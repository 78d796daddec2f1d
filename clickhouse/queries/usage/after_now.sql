-- The journal's rows whose ids are dated after now, of any period: a clock was wrong, and no period asked for has them.
-- `latest_ms` is 0 without any.
SELECT
    sum(rows) AS rows,
    max(at_ms) AS latest_ms
FROM (
    SELECT
        any(e.at_ms) AS at_ms,
        sum(e.model_rows + e.inference_rows) AS rows
    FROM {{journal}}.usage_entry_v1 AS e
    WHERE e.at_ms > {now_ms:Int64}
        AND e.batch <= {batch:UInt64}
        AND e.batch NOT IN {given_up:Array(UInt64)}
    GROUP BY e.number
    HAVING rows > 0
)
