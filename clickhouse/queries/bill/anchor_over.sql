-- The last batch of this journal that is anchored, and the position of the first anchor that has all that is anchored
-- of a period: a day is in an anchor if it changed since the one before.
WITH (
    SELECT greatest(max(batch), (SELECT min(batch) FROM {{database}}.usage_anchor_v1 WHERE {{of_journal}}))
    FROM {{database}}.usage_anchor_day_v1
    WHERE source = {source:String}
        AND journal = {journal:UUID}
        AND position <= {anchored_by:UInt64}
        AND batch IN (SELECT batch FROM {{database}}.usage_anchor_v1 WHERE {{of_journal}})    -- its last part is there
        AND (day = -1 OR (day >= {first_day:Int32} AND day <= {last_day:Int32}))
) AS last_change
SELECT
    max(batch) AS anchored,
    minIf(position, batch = last_change) AS anchored_at
FROM {{database}}.usage_anchor_v1
WHERE {{of_journal}}
HAVING count() > 0
