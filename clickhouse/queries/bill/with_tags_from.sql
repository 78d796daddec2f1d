-- Labelled entries with the instant from which their key had the tags that it had at theirs.
SELECT
    l.*,
    i.valid_from_ms AS tags_from_ms
FROM ({{labelled}}) AS l
ASOF LEFT JOIN ({{intervals}}) AS i
    ON i.public_id = l.public_id
    AND i.valid_from_ms <= l.at_ms                      -- in the very millisecond of an edit, the edit counts
