-- What happened to the tags of some keys before an instant, as known at a position, in the order in which it counts.
SELECT
    public_id,
    effective_ms,
    position,
    tag,
    value
FROM {{database}}.key_tag_change_v1 FINAL
WHERE position <= {{position}}                          -- only what was known by then
    AND {{standing}}
    AND effective_ms < {{until_ms}}
    AND public_id IN {public_ids:Array(String)}
ORDER BY
    public_id,
    effective_ms,
    position
