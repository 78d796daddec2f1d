-- What clients claimed of each inference.
SELECT
    r.number AS number,
    argMax(r.claimed_tags, r.rank) AS claimed_tags
FROM {{database}}.inference_row AS r
GROUP BY r.number
