-- Of the gateway's rows, those that the journal lacks.
WHERE (number, toString(kind), row_id, fingerprint) IN (
    SELECT
        number,
        kind,
        id,
        fingerprint
    FROM ({{rows_differing}})
    WHERE taken
)
