-- What a look at the rows found missing, and is not back yet.
SELECT
    projector,
    failure
FROM {{database}}.projector_stop_v1 FINAL
WHERE projector IN ('missing_rows', 'missing_collected') AND failure != ''
