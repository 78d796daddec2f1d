-- The parts of a table that have leaving rows, how many, and how many rows in all; NULL where the part was merged away
-- while its rows were counted.
SELECT
    counted.part AS part,
    counted.leaving AS leaving,
    p.rows AS rows,
    toString(t.uuid) AS uuid,
    p.partition_id AS partition,
    p.min_block_number AS first_block,
    p.max_block_number AS last_block
FROM (
    SELECT
        _part AS part,
        count() AS leaving
    FROM {{gateway}}.{{table}}
    WHERE {{condition}}
    GROUP BY part
) AS counted
LEFT JOIN (
    SELECT
        name,
        toNullable(rows) AS rows,
        partition_id,
        min_block_number,
        max_block_number
    FROM system.parts
    WHERE database = {gateway:String} AND table = {table:String} AND active
) AS p ON p.name = counted.part
CROSS JOIN (
    SELECT uuid
    FROM system.tables
    WHERE database = {gateway:String} AND name = {table:String}
) AS t
