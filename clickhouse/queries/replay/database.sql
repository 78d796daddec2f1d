SELECT engine
FROM system.databases
WHERE name = {database:String}
