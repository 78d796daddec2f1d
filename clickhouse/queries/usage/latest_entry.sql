-- The latest instant of all entries of the journal, and how many there are. Of the whole table, so that the engine answers
-- from what it keeps of each part.
SELECT
    max(at_ms),
    count()
FROM {{journal}}.usage_entry_v1
