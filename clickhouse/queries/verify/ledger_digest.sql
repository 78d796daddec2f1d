-- One digest per range of positions over a ledger table's rows, to compare with what the log gives. Rows are compared
-- as texts (the ledger_rows templates); duplicates count once.
SELECT
    intDiv(position, {range:UInt64}) AS number,
    lower(hex(SHA256(arrayStringConcat(arraySort(groupUniqArray(row)), '\n')))) AS digest
FROM ({{rows}})
WHERE position > {after:UInt64} AND position <= {until:UInt64}
GROUP BY number
