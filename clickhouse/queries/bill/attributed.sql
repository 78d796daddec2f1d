-- Entries with what decides their bill: the credential's key, the bucket, and the tags as of the inference's instant.
SELECT
    u.*,
    t.public_id AS public_id,
    {{tag_names}}
    -- The first match wins; the order is part of what a bill means.
    CAST(
        multiIf(
            u.state != 'attributed', toInt8(u.state),
            NOT t.known, 5,
            u.at_ms >= t.alive_until_ms, 6,
            7
        ),
        '{{buckets}}'
    ) AS bucket
FROM ({{entries}}) AS u
ASOF LEFT JOIN ({{timeline}}) AS t
    ON t.credential_id = u.credential_id
    AND t.from_ms <= u.at_ms                            -- in the very millisecond of an edit, the edit counts
