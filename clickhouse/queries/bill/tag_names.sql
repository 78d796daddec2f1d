-- Names that some key has or had as a tag, by all that is applied: of those asked for, or the first of all.
SELECT DISTINCT tag
FROM {{tag_changes}}
WHERE position <= {{position}}
    AND value IS NOT NULL
    AND {{standing}}
    AND (tag IN {asked:Array(String)} OR empty({asked:Array(String)}))
ORDER BY tag
LIMIT 10000
