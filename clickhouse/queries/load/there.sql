-- Of the rows that a table has: those with an id that the file has.
SELECT
    {{id}} AS id,
    {{digest}} AS digest
FROM {{target}}
WHERE {{id}} IN (
    SELECT id
    FROM {{rows}}
)
