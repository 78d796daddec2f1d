-- Whether there are entries that do not count yet.
SELECT 1
FROM {{journal}}.usage_entry_v1
WHERE batch > {batch:UInt64}
LIMIT 1
