-- What a batch must count with care, and what its statement need not look at: whether any of its inferences had rows
-- before, whether any id is shared, and whether any row went.
WITH recounted AS (SELECT number FROM {{journal}}.usage_recount_v1 WHERE batch = {batch:UInt64})
SELECT
    (SELECT count() FROM recounted) AS numbers,
    (
        SELECT count()
        FROM (
            SELECT 1
            FROM {{journal}}.usage_row_v1
            WHERE number IN (recounted)
                AND take <= {take_from:UInt64}
            LIMIT 1
        )
    ) AS before,
    (SELECT count() FROM (SELECT 1 FROM {{journal}}.usage_shared_id_v1 LIMIT 1)) AS shared,
    (SELECT count() FROM (SELECT 1 FROM {{journal}}.usage_gone_v1 LIMIT 1)) AS gone
