-- The hashes of the events at some positions: $1 the positions.
SELECT
    position, hash
FROM keyledger.event
WHERE position = ANY($1::bigint[])
