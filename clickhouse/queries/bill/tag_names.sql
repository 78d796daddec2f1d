-- Names that some key has or had as a tag, by all that is applied: of those asked for, or the first of all.
SELECT DISTINCT tag
FROM {{database}}.key_tag_change_v1
WHERE position <= {{position}}
    AND value IS NOT NULL
    AND (tag IN {asked:Array(String)} OR empty({asked:Array(String)}))
ORDER BY tag
LIMIT 10000
