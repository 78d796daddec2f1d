-- The first anchor of each day that does not say what the entries up to its batch give: by other sums, or by not
-- naming a day that changed since the anchor before.
SELECT
    day,
    batch,
    position,
    rows_then,
    rows_now
FROM (
    SELECT
        day,
        batch,
        anchored,
        position,
        then.1 AS rows_then,
        then,
        (
            sum(rows) OVER so_far,
            sum(inferences) OVER so_far,
            sum(input_tokens) OVER so_far,
            sum(output_tokens) OVER so_far,
            sum(cached_input_tokens) OVER so_far,
            sum(cached_output_tokens) OVER so_far,
            sum(cost_usd) OVER so_far,
            sum(fingerprint) OVER so_far
        ) AS now,
        now.1 AS rows_now
    FROM (
        SELECT
            day,
            batch,
            max(u.anchored) AS anchored,
            max(u.position) AS position,
            argMax(u.then, u.anchored) AS then,
            sum(u.rows) AS rows,
            sum(u.inferences) AS inferences,
            sum(u.input_tokens) AS input_tokens,
            sum(u.output_tokens) AS output_tokens,
            sum(u.cached_input_tokens) AS cached_input_tokens,
            sum(u.cached_output_tokens) AS cached_output_tokens,
            sum(u.cost_usd) AS cost_usd,
            sum(u.fingerprint) AS fingerprint
        FROM (
            SELECT
                g.day AS day,
                a.batch AS batch,
                g.* EXCEPT (day, batch, one),
                0 AS anchored,
                a.anchored_at AS position,
                {{nothing}} AS then
            FROM (
                SELECT
                    {{day}} AS day,
                    e.batch AS batch,
                    1 AS one,
                    {{day_sums}}
                FROM {{journal}}.usage_entry_v1 AS e
                WHERE {{counts}}
                    AND e.at_ms >= {since_ms:Int64}
                    AND e.at_ms < {until_ms:Int64}
                GROUP BY
                    day,
                    batch
            ) AS g
            ASOF INNER JOIN (
                SELECT
                    batch,
                    min(position) AS anchored_at,
                    1 AS one
                FROM {{database}}.usage_anchor_v1
                WHERE {{of_journal}}
                GROUP BY batch
            ) AS a ON a.one = g.one AND a.batch >= g.batch
            UNION ALL
            SELECT
                day,
                batch,
                0, 0, 0, 0, 0, 0, 0, 0,
                1,
                position,
                (
                    rows,
                    inferences,
                    input_tokens,
                    output_tokens,
                    cached_input_tokens,
                    cached_output_tokens,
                    cost_usd,
                    fingerprint
                )
            FROM {{database}}.usage_anchor_day_v1
            WHERE source = {source:String}
                AND journal = {journal:UUID}
                AND position <= {anchored_by:UInt64}
                AND day >= {first_day:Int32}
                AND day <= {last_day:Int32}
                AND batch IN (SELECT batch FROM {{database}}.usage_anchor_v1 WHERE {{of_journal}})
        ) AS u
        GROUP BY
            day,
            batch
    )
    WINDOW so_far AS (PARTITION BY day ORDER BY batch ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE NOT anchored OR now != then
ORDER BY
    day,
    batch
LIMIT 1 BY day
