-- Entries with what decides their bill: the credential's key, the bucket, and the tags as of the inference's instant.
SELECT
    u.*,
    t.public_id AS public_id,
    {{tag_names}}
    {{bucket}} AS bucket
FROM ({{entries}}) AS u
ASOF LEFT JOIN ({{timeline}}) AS t
    ON t.credential_id = u.credential_id
    AND t.from_ms <= u.at_ms                            -- in the very millisecond of an edit, the edit counts
