-- The positions at which a table of two ledgers does not hold the same rows, compared by the digests of their texts
-- (the ledger_rows templates). The replayed ledger is right, so the live one lacks some of its rows or has others.
SELECT
    position,
    countIf(is_replayed AND NOT is_live) AS lacking,
    countIf(is_live AND NOT is_replayed) AS extra
FROM (
    SELECT
        position,
        digest,
        max(of_live) AS is_live,
        max(NOT of_live) AS is_replayed
    FROM (
        SELECT
            position,
            SHA256(row) AS digest,
            true AS of_live
        FROM ({{live_rows}})
        WHERE position >= {first:UInt64} AND position <= {last:UInt64}
        UNION ALL
        SELECT
            position,
            SHA256(row) AS digest,
            false AS of_live
        FROM ({{replayed_rows}})
        WHERE position >= {first:UInt64} AND position <= {last:UInt64}
    )
    GROUP BY
        position,
        digest
)
GROUP BY position
HAVING lacking + extra > 0
ORDER BY position
