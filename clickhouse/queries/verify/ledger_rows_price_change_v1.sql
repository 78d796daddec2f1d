-- Each row as one unambiguous text: a string is preceded by its length, NULL is a dash. Tags are in the order of their
-- names, wherever the row keeps them.
WITH text -> concat(toString(length(text)), ':', text) AS framed
SELECT
    position,
    arrayStringConcat([
        framed(price_id),
        toString(position),
        toString(effective_ms),
        framed(toString(kind)),
        framed(model),
        if(provider IS NULL, '-', framed(assumeNotNull(provider))),
        arrayStringConcat(arrayMap(
            tag -> concat(framed(tag.1), framed(tag.2)),
            arraySort(arrayZip(mapKeys(tags), mapValues(tags)))
        )),
        framed(toString(currency)),
        ifNull(toString(input), '-'),
        ifNull(toString(output), '-'),
        ifNull(toString(cache_read), '-'),
        ifNull(toString(cache_write), '-'),
        ifNull(toString(cached_input), '-'),
        ifNull(toString(cached_output), '-'),
        ifNull(toString(per_inference), '-'),
        ifNull(toString(cost_multiplier), '-'),
        toString(toUnixTimestamp64Micro(recorded_at))
    ], ',') AS row
FROM {{database}}.price_change_v1
