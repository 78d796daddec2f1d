-- Whether the key existed at an instant: what tells a key without tags from no key.
CREATE OR REPLACE FUNCTION keyKnown{{on_cluster}} AS (public_id, at) ->
    dictHas(
        '{{database}}.key_tags',
        sipHash64(toString(public_id)),
        toUnixTimestamp64Milli(toDateTime64(assumeNotNull(at), 3, 'UTC'))
    )
