-- The parts that the engine could not read when it started, and goes on without. A replicated table gets them from
-- another replica.
SELECT
    database,
    table,
    name
FROM system.detached_parts
WHERE database IN ({database:String}, {gateway:String}) AND reason LIKE '%broken%' AND (database, table) IN (
    SELECT
        database,
        name
    FROM system.tables
    WHERE database IN ({database:String}, {gateway:String}) AND engine NOT LIKE 'Replicated%'
)
ORDER BY
    database,
    table,
    name
