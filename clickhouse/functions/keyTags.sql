-- The tags that the key of any of its credentials had at an instant; empty also for an unknown key (ask keyKnown).
CREATE OR REPLACE FUNCTION keyTags{{on_cluster}} AS (public_id, at) ->
    CAST(
        JSONExtractKeysAndValues(
            dictGetOrDefault(
                '{{database}}.key_tags',
                'tags',
                sipHash64(toString(public_id)),
                toUnixTimestamp64Milli(toDateTime64(assumeNotNull(at), 3, 'UTC')),
                '{}'
            ),
            'String'
        ),
        'Map(String, String)'
    )
