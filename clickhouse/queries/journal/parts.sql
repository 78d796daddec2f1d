-- The parts of the gateway's tables, with the ranges of blocks that their names bear.
SELECT
    p.table AS table,
    toString(t.uuid) AS uuid,
    p.partition_id AS partition,
    p.name AS name,
    p.min_block_number AS first_block,
    p.max_block_number AS last_block,
    p.rows AS rows,
    p.has_lightweight_delete AS masked,                 -- `rows` counts those that are deleted, too
    dateDiff('second', p.modification_time, now()) AS age_s
FROM system.parts AS p
INNER JOIN system.tables AS t ON t.database = p.database AND t.name = p.table
WHERE p.database = {gateway:String}
    AND p.table IN {tables:Array(String)}
    AND p.active
    AND p.rows > 0
ORDER BY
    table,
    uuid,
    partition,
    first_block
