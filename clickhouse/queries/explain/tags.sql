-- The tags of one key at a time, as known at a position, from the rows that bills read.
SELECT
    c.tag AS tag,
    -- At equal times the higher position wins. In a tuple: alone, argMax would skip the NULL of a removal.
    argMax(tuple(c.value), (c.effective_ms, c.position)).1 AS tag_value
FROM {{database}}.key_tag_change_v1 AS c
WHERE c.public_id = {public_id:String}
    AND c.position <= {{position}}                      -- only what was known by then
    AND {{standing}}
    AND c.effective_ms <= {at_ms:Int64}                 -- in the very millisecond of an edit, the edit counts
GROUP BY c.tag
HAVING tag_value IS NOT NULL
