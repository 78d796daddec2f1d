-- The loads that are there, in order.
SELECT
    batch,
    table,
    file,
    rows,
    new_rows,
    at
FROM {{gateway}}.load_v1 FINAL
WHERE step = 2
ORDER BY
    at,
    load
