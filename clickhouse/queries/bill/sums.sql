-- Sums of entries by all that decides how they are billed.
SELECT
    {{sums}}
FROM ({{rows}}) AS e
GROUP BY
    {{by}}
