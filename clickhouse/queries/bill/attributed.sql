-- Usage with what decides its bill: the credential's key, the bucket, and the tags as of the inference's time.
SELECT
    u.*,
    t.public_id AS public_id,
    {{tag_names}}
    -- The first match wins; the order is part of what a bill means.
    CAST(
        multiIf(
            u.at_ms < 0, 'bad_id',
            u.batch, 'batch',
            NOT u.has_inference, 'orphan',
            u.credential_id = '', 'unkeyed',
            NOT t.known, 'unknown_key',
            u.at_ms >= t.alive_until_ms, 'outside_key_life',
            'keyed'
        ),
        'Enum8(\'bad_id\' = 1, \'batch\', \'orphan\', \'unkeyed\', \'unknown_key\', \'outside_key_life\', \'keyed\')'
    ) AS bucket
FROM (
    SELECT
        *,
        number IN (SELECT number FROM {{database}}.batch_inference) AS batch
    FROM ({{usage}})
) AS u
ASOF LEFT JOIN ({{timeline}}) AS t
    ON t.credential_id = u.credential_id
    AND t.from_ms <= u.at_ms                            -- in the very millisecond of an edit, the edit counts
