-- The blocks that the gateway's tables have now, and those that they have had.
SELECT
    'now' AS at,
    p.table AS table,
    toString(t.uuid) AS uuid,
    p.partition_id AS partition,
    groupArray((p.min_block_number, p.max_block_number)) AS blocks
FROM system.parts AS p
INNER JOIN system.tables AS t ON t.database = p.database AND t.name = p.table
WHERE p.database = {gateway:String} AND p.table IN {tables:Array(String)} AND p.active
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
