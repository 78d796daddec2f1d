-- Which of the gateway's tables are there, and how many rows each has, duplicates and all; NULL where nobody counts them.
SELECT
    name,
    total_rows
FROM system.tables
WHERE database = {database:String}
    AND name IN {tables:Array(String)}
