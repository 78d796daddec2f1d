-- What a ledger table holds of some positions, as one digest a range of positions: compared with what the log gives.
-- Rows are told apart as texts (the ledger_rows templates); those that came twice count once.
SELECT
    intDiv(position, {range:UInt64}) AS number,
    lower(hex(SHA256(arrayStringConcat(arraySort(groupUniqArray(row)), '\n')))) AS digest
FROM ({{rows}})
WHERE position > {after:UInt64} AND position <= {until:UInt64}
GROUP BY number
