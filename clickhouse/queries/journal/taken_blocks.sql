-- All blocks that were ever taken, also of those that a table has no longer.
SELECT
    table,
    if(endsWith(uuid, {past:String}), left(uuid, length(uuid) - length({past:String})), uuid) AS of_table,
    partition,
    arrayMap(block -> (block.1, block.2), groupArrayArray(blocks)) AS blocks
FROM {{journal}}.usage_taken_v1 FINAL
GROUP BY
    table,
    of_table,
    partition
