-- Take the rows of some streams away, by whichever of their names they stand there: $1 streams, $2 their public ids.
DELETE FROM keyledger.key_state
WHERE stream = ANY($1::text[]) OR public_id = ANY($2::text[])
