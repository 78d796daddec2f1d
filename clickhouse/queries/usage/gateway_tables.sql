-- Which of the gateway's tables exist, and how many rows each has, including duplicates; NULL if nobody counts them.
SELECT
    name,
    total_rows
FROM system.tables
WHERE database = {database:String}
    AND name IN {tables:Array(String)}
