-- The rows themselves of some positions, where digests differ. In hex: what was altered may be no text any more.
SELECT DISTINCT
    position,
    hex(row) AS row
FROM ({{rows}})
WHERE position > {after:UInt64} AND position <= {until:UInt64}
