-- How many servers there are, and on how many of them a table has this UUID.
SELECT
    count() AS servers,
    countIf(toString(uuid) = {uuid:String}) AS placed
FROM {{system_tables}}
WHERE database = {database:String} AND name = {table:String}
