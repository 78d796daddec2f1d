-- The blocks that the gateway's tables have now, those that they have had, and of these the ones that may be gone.
SELECT
    'now' AS at,
    p.table AS table,
    toString(t.uuid) AS uuid,
    p.partition_id AS partition,
    groupArray((p.min_block_number, p.max_block_number)) AS blocks
FROM system.parts AS p
INNER JOIN system.tables AS t ON t.database = p.database AND t.name = p.table
WHERE p.database = {gateway:String} AND p.table IN {tables:Array(String)} AND p.active
    AND p.rows > 0                                      -- an empty part goes in a moment, and nobody misses it
GROUP BY
    table,
    uuid,
    partition
UNION ALL
SELECT
    'before' AS at,
    table,
    uuid,
    partition,
    blocks
FROM {{database}}.gateway_blocks_v1 FINAL
UNION ALL
SELECT
    'released' AS at,
    table,
    uuid,
    partition,
    arrayDistinct(groupArrayArray(blocks)) AS blocks
FROM {{database}}.gateway_blocks_released_v1
GROUP BY
    table,
    uuid,
    partition
