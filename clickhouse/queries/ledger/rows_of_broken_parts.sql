-- Of the parts that the engine could not read, of tables whose merges drop no rows: where each lies, and how many rows
-- the partition has in parts whose blocks are among those of the part.
SELECT
    d.database AS database,
    d.table AS table,
    d.name AS name,
    d.path AS path,
    sum(p.rows) AS rows_there
FROM system.detached_parts AS d
INNER JOIN system.tables AS t ON t.database = d.database AND t.name = d.table
LEFT JOIN (
    SELECT
        database,
        table,
        partition_id,
        min_block_number,
        max_block_number,
        rows
    FROM system.parts
    WHERE active
) AS p ON p.database = d.database AND p.table = d.table AND p.partition_id = d.partition_id
    AND p.min_block_number >= d.min_block_number AND p.max_block_number <= d.max_block_number
WHERE d.database IN ({database:String}, {gateway:String})
    AND d.reason LIKE '%broken%'
    AND t.engine = 'MergeTree'
GROUP BY
    database,
    table,
    name,
    path
