-- Delete the rows of some streams, found by either of their names: $1 streams, $2 their public ids.
DELETE FROM keyledger.key_state
WHERE stream = ANY($1::text[]) OR public_id = ANY($2::text[])
