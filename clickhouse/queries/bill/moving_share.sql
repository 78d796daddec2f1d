-- How many credentials there are, and of how many something changes within the period.
SELECT
    (SELECT count() FROM ({{credentials}})) AS credentials,
    (SELECT count() FROM ({{moving}})) AS moving
