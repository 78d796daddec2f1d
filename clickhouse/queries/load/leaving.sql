-- The rows of a table that only leaving loads hold. It gives the same until these are gone, also to a mutation that the
-- engine resumes at its next start.
SELECT
    id,
    digest
FROM {{gateway}}.load_row_v1
WHERE table = '{{table}}'
GROUP BY
    id,
    digest
HAVING countIf(load IN (SELECT load FROM {{gateway}}.load_v1 FINAL WHERE step = 3)) > 0
    AND countIf(load IN (SELECT load FROM {{gateway}}.load_v1 FINAL WHERE step = 2)) = 0
