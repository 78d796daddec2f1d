-- What was taken of each table's partitions.
SELECT
    table,
    uuid,
    partition,
    take,
    blocks,
    part,
    part_rows
FROM {{journal}}.usage_taken_v1 FINAL
WHERE NOT endsWith(uuid, {past:String})
