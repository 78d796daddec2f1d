(
    -- The changes of tags as if one more edit of a key were the last of the log. What the key has of these tags at the
    -- very instant gives way to it, as it would to a later event.
    SELECT
        tag,
        public_id,
        effective_ms,
        position,
        value
    FROM {{database}}.key_tag_change_v1
    WHERE NOT (
        public_id = {if_public_id:String}
        AND effective_ms = {if_effective_ms:Int64}
        AND tag IN {if_tags:Array(String)}
    )
    UNION ALL
    SELECT
        change.1 AS tag,
        {if_public_id:String} AS public_id,
        {if_effective_ms:Int64} AS effective_ms,
        {{position}} AS position,
        nullIf(change.2, '') AS value                   -- no value is empty: the tag is removed
    FROM (SELECT arrayJoin(arrayZip({if_tags:Array(String)}, {if_values:Array(String)})) AS change)
)
