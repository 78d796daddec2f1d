-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS told
SELECT
    position,
    arrayStringConcat([
        toString(position),
        told(log_id),
        told(previous_hash),
        told(hash),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.event_applied_v1
