-- Entries, or sums of them, with the names of their lines: `listed` are those that make a line.
SELECT
    *,
    {{by_columns}}
    bucket IN ('keyed', 'outside_key_life') {{tag_filter}}AS listed
FROM ({{attributed}})
