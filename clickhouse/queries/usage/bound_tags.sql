-- The names that some key has or had as a tag.
SELECT DISTINCT tag
FROM {{database}}.key_tag_change_v1
WHERE position <= {{position}}
    AND value IS NOT NULL
    AND {{standing}}
