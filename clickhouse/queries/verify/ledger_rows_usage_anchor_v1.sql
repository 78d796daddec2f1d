-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        framed(toString(source)),
        toString(journal),
        toString(batch),
        toString(position),
        toString(part),
        toString(parts),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.usage_anchor_v1
