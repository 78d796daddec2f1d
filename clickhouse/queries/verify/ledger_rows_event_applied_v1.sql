-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        toString(position),
        framed(log_id),
        framed(previous_hash),
        framed(hash),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.event_applied_v1
