-- The rows themselves of some positions, for ranges whose digests differ. In hex: altered data may no longer be text.
SELECT DISTINCT
    position,
    hex(row) AS row
FROM ({{rows}})
WHERE position > {after:UInt64} AND position <= {until:UInt64}
