-- One inference as the bill sees it: the entries of a bill for its own millisecond, of which some are its.
SELECT
    toString(a.bucket) AS bucket,
    a.public_id AS public_id,
    sum(a.inference_rows) > 0 AS has_inference,
    a.state = 'batch' AS batch,
    a.credential_id AS credential_id,
    sum(a.model_rows) AS model_rows,
    {{figures}}
FROM (
{{attributed}}) AS a
WHERE a.number = toUInt128({inference_id:UUID})
GROUP BY
    a.bucket,
    a.public_id,
    a.state,
    a.credential_id
HAVING sum(a.sign) != 0                                 -- else all was taken back
