-- The times of `timeline.sql`, as one text.
SELECT toString(groupArray((credential_id, public_id, from_ms, alive_until_ms{{tag_columns}})))
FROM ({{timeline}})
