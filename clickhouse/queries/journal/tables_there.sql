-- Which of the gateway's tables there are.
SELECT name
FROM system.tables
WHERE database = {gateway:String}
    AND name IN {tables:Array(String)}
