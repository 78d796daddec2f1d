-- The latest comparison of the gateway's count with its rows, and that of the last day which lost most. No row without
-- any.
SELECT
    argMax((compared_at, since, until, counted, recorded, lost, failure), compared_at),
    argMax((compared_at, since, until, counted, recorded, lost, failure), lost)
FROM {{database}}.gateway_count_v1
WHERE compared_at > now64(3) - INTERVAL 1 DAY
HAVING count() > 0
