SELECT
    name,
    toString(uuid) AS uuid,
    ifNull(total_rows, 0) AS rows
FROM system.tables
WHERE database = {database:String}
ORDER BY name
