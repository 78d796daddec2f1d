-- The rows that a load holds: those that it brings, and those that another load brought. What was there before is
-- nobody's, so no load can take it back.
SELECT
    toUUID({load:String}) AS load,
    {table:String} AS table,
    id,
    digest
FROM {{rows}}
WHERE (id, digest) NOT IN (
    SELECT id, digest
    FROM {{there}}
)
OR (id, digest) IN (
    SELECT id, digest
    FROM {{gateway}}.load_row_v1
    WHERE table = {table:String} AND load IN (
        SELECT load
        FROM {{gateway}}.load_v1 FINAL
        WHERE step = 2
    )
)
