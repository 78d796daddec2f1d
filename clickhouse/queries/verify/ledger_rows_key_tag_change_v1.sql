-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        framed(tag),
        framed(public_id),
        toString(effective_ms),
        toString(position),
        if(value IS NULL, '-', framed(assumeNotNull(value))),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.key_tag_change_v1
