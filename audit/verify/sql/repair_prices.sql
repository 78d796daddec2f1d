-- Delete the rows of some streams, found by either of their names: $1 streams, $2 their price ids.
DELETE FROM keyledger.price_state
WHERE stream = ANY($1::text[]) OR price_id = ANY($2::text[])
