-- What was found missing and is not back yet: by a projector in the ledger, and parts that the engine could not read.
SELECT failure
FROM {{database}}.projector_stop_v1 FINAL
WHERE projector = 'missing_rows' AND failure != ''
