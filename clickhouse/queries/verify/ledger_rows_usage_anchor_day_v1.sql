-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        framed(toString(source)),
        toString(journal),
        toString(day),
        toString(batch),
        toString(position),
        toString(rows),
        toString(inferences),
        toString(input_tokens),
        toString(output_tokens),
        toString(cached_input_tokens),
        toString(cached_output_tokens),
        toString(cost_usd),
        toString(fingerprint)
    ], ',') AS row
FROM {{database}}.usage_anchor_day_v1
