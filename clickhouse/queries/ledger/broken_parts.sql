-- The parts that the engine could not read when it started, and goes on without. A replicated table gets them from
-- another replica.
SELECT
    d.database AS database,
    d.table AS table,
    d.name AS name,
    (
        toString(t.uuid),
        ifNull(d.partition_id, ''),
        ifNull(d.min_block_number, -1),
        ifNull(d.max_block_number, -1)
    ) AS blocks                                         -- as the name says; -1 where it says none
FROM system.detached_parts AS d
INNER JOIN system.tables AS t ON t.database = d.database AND t.name = d.table
WHERE d.database IN ({database:String}, {gateway:String})
    AND d.reason LIKE '%broken%'
    AND t.engine NOT LIKE 'Replicated%'
ORDER BY
    database,
    table,
    name
