-- The bill by one tag: what the keys' usage cost, by the value that each key had at the time of each inference. NULL:
-- the key did not have the tag. The sum is the bucket `keyed` of coverage with the same parameters.
CREATE OR REPLACE VIEW {{database}}.bill{{on_cluster}} AS
SELECT
    tag_0 AS value,
    sum(a.inferences) AS inferences,
    sum(a.input_tokens) AS input_tokens,
    sum(a.output_tokens) AS output_tokens,
    sum(a.cached_input_tokens) AS cached_input_tokens,
    sum(a.cached_output_tokens) AS cached_output_tokens,
    sum(a.cache_read_tokens) AS cache_read_tokens,
    sum(a.cache_write_tokens) AS cache_write_tokens,
    if(sum(a.model_rows) = sum(a.unpriced), NULL, sum(a.cost_usd)) AS cost_usd,
    sum(a.unpriced) AS unpriced
FROM (
{{attributed}}) AS a
WHERE bucket = 'keyed'
GROUP BY tag_0
HAVING sum(a.sign) != 0                                 -- else all was taken back
ORDER BY tag_0
