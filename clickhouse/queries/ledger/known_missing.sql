-- What a look at the rows found missing, and is not back yet.
SELECT failure
FROM {{database}}.projector_stop_v1 FINAL
WHERE projector = 'missing_rows' AND failure != ''
