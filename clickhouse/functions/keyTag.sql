-- The value of one tag that the key had at an instant; NULL when it did not have it, or is unknown.
CREATE OR REPLACE FUNCTION keyTag{{on_cluster}} AS (public_id, name, at) ->
    JSONExtract(
        dictGetOrDefault(
            '{{database}}.key_tags',
            'tags',
            sipHash64(toString(public_id)),
            toUnixTimestamp64Milli(toDateTime64(assumeNotNull(at), 3, 'UTC')),
            '{}'
        ),
        name,
        'Nullable(String)'
    )
