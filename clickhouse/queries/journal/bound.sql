-- The inference at which a batch of so many rows ends; none where fewer are left.
SELECT number
FROM {{journal}}.usage_row_v1
WHERE take > {take_from:UInt64}
    AND take <= {take_to:UInt64}
    AND number >= {since_number:UInt128}
ORDER BY number
LIMIT 1
OFFSET {rows:UInt64}
