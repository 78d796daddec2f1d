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
    ) AS blocks,                                        -- as the name says; -1 where it says none
    d.path AS path,
    t.engine AS engine,
    -- The rows of the partition's parts whose blocks are among those of the part.
    arraySum(one -> one.3, arrayFilter(one -> one.1 >= d.min_block_number AND one.2 <= d.max_block_number, a.parts))
        AS rows_there
FROM system.detached_parts AS d
INNER JOIN system.tables AS t ON t.database = d.database AND t.name = d.table
LEFT JOIN (
    SELECT
        database,
        table,
        partition_id,
        groupArray((min_block_number, max_block_number, rows)) AS parts
    FROM system.parts
    WHERE active AND database IN ({database:String}, {gateway:String})
    GROUP BY
        database,
        table,
        partition_id
) AS a ON a.database = d.database AND a.table = d.table AND a.partition_id = d.partition_id
WHERE d.database IN ({database:String}, {gateway:String})
    AND d.reason LIKE '%broken%'
    AND t.engine NOT LIKE 'Replicated%'
ORDER BY
    database,
    table,
    name
