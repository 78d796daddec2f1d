-- The bill by one tag: what the keys' usage cost, by the value that each key had at the time of each inference. NULL:
-- the key did not have the tag. The sum is the bucket `keyed` of coverage with the same parameters.
CREATE OR REPLACE VIEW {{database}}.bill{{on_cluster}} AS
SELECT
    tag_0 AS value,
    sum(a.inferences) AS inferences,
    {{figures}}
FROM (
{{attributed}}) AS a
WHERE bucket = 'keyed'
GROUP BY tag_0
HAVING sum(a.sign) != 0                                 -- else all was taken back
ORDER BY tag_0
