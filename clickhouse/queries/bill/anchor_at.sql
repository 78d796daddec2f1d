-- The anchor that says which usage was known at a position: of the journal that was anchored last, the greatest batch.
SELECT
    journal,
    batch,
    position,
    recorded_at
FROM {{database}}.usage_anchor_v1 FINAL
WHERE source = {source:String}
    AND position <= {anchored_by:UInt64}
    AND part = parts                                    -- complete
    AND journal = (
        SELECT argMax(journal, position)
        FROM {{database}}.usage_anchor_v1
        WHERE source = {source:String}
            AND position <= {anchored_by:UInt64}
            AND part = parts
    )
ORDER BY
    batch DESC,
    position
LIMIT 1
