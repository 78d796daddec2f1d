-- The gateway's tables from which rows expire by themselves.
SELECT name
FROM system.tables
WHERE database = {gateway:String}
    AND name IN {tables:Array(String)}
    AND match(engine_full, '\\bTTL\\b')
