-- The gateway's rows whose ids are dated after now, of any period: a clock was wrong, and no period asked for has them.
-- `latest_ms` is 0 without any.
SELECT
    count() AS rows,
    max(at_ms) AS latest_ms
FROM (
    SELECT at_ms
    FROM {{database}}.inference_row
    UNION ALL
    SELECT at_ms
    FROM {{database}}.model_row
)
WHERE at_ms > {now_ms:Int64}
