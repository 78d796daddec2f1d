-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        framed(public_id),
        toString(effective_ms),
        toString(position),
        framed(toString(kind)),
        ifNull(toString(expiration_ms), '-'),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.key_life_v1
