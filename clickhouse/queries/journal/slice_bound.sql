-- The inference at which a slice of so many rows ends; none where fewer are left.
SELECT number
FROM {{journal}}.usage_row_v1
WHERE number >= {since_number:UInt128}
ORDER BY number
LIMIT 1
OFFSET {rows:UInt64}
