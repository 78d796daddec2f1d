-- What tells the rows of a file apart and from those that are there, made once: their columns may be long.
SELECT
    {{id}} AS id,
    {{digest}} AS digest,
    toUInt128({{instant_id}}) AS number
FROM {{staged}}
