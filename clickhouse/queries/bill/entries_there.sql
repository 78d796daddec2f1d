-- How many entries the journal has, about: by what the engine knows of its parts. 0 where it has no such table.
SELECT ifNull(sum(total_rows), 0)
FROM system.tables
WHERE database = '{{journal}}'
    AND name = 'usage_entry_v1'
