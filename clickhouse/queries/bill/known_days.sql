-- How this journal compares with what another one had of some days: for each day, from which batch on its sums are
-- those that were anchored then, and from which they are not.
SELECT
    day,
    batch,
    same
FROM (
    SELECT
        day,
        batch,
        same,
        lagInFrame(toInt8(same), 1, toInt8(-1)) OVER (
            PARTITION BY day ORDER BY batch ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS before
    FROM (
        SELECT
            h.day AS day,
            h.batch AS batch,
            (
                sum(h.rows) OVER so_far,
                sum(h.inferences) OVER so_far,
                sum(h.input_tokens) OVER so_far,
                sum(h.output_tokens) OVER so_far,
                sum(h.cached_input_tokens) OVER so_far,
                sum(h.cached_output_tokens) OVER so_far,
                sum(h.cost_usd) OVER so_far,
                sum(h.fingerprint) OVER so_far
            ) = k.sums AS same
        FROM (
            SELECT
                {{day}} AS day,
                e.batch AS batch,
                {{day_sums}}
            FROM {{journal}}.usage_entry_v1 AS e
            WHERE {{counts}}
                AND (
                    (e.at_ms >= {first_day:Int64} * 86400000 AND e.at_ms < ({last_day:Int64} + 1) * 86400000)
                    OR e.at_ms >= {now_day:Int64} * 86400000    -- what is dated after now is in every bill
                    OR e.at_ms < 0                              -- and so is what has no instant
                )
            GROUP BY
                day,
                batch
            UNION ALL
            SELECT day, 0, 0, 0, 0, 0, 0, 0, 0, 0               -- a day that this journal may not have at all
            FROM ({{known}})
        ) AS h
        LEFT JOIN ({{known}}) AS k ON k.day = h.day
        WINDOW so_far AS (PARTITION BY h.day ORDER BY h.batch ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
)
WHERE same != before
ORDER BY
    batch,
    day
