-- Positions in a ledger table that the log did not have when the audit began: 0, and positions after its head.
SELECT DISTINCT position
FROM {{database}}.{{table}}
WHERE position = 0 OR position > {head:UInt64}
ORDER BY position
LIMIT {limit:UInt64}
