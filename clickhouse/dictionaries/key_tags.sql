-- Whole tag maps for look-ups of single rows and dashboards, never for an invoice: it is as old as its last reload.
-- Bounds are closed, so the last millisecond of an interval is the one before the next begins.
CREATE OR REPLACE DICTIONARY {{database}}.key_tags{{on_cluster}}
(
    key_hash    UInt64,
    valid_from  DateTime64(3, 'UTC'),
    valid_until DateTime64(3, 'UTC'),
    public_id   String,
    tags        String                              -- a JSON object: other types cost many times the memory
)
PRIMARY KEY key_hash
SOURCE(CLICKHOUSE(QUERY $$
    SELECT
        sipHash64(c.credential_id) AS key_hash,     -- any credential's id leads to its key
        i.valid_from AS valid_from,
        ifNull(i.valid_until - INTERVAL 1 MILLISECOND, toDateTime64('2299-12-31 23:59:59.999', 3, 'UTC')) AS valid_until,
        i.public_id AS public_id,
        toJSONString(i.tags) AS tags
    FROM {{database}}.key_tag_interval AS i
    INNER JOIN (
        SELECT DISTINCT
            credential_id,
            public_id
        FROM {{database}}.key_credential
        WHERE kind = 'created'
    ) AS c ON c.public_id = i.public_id
$$))
LAYOUT(RANGE_HASHED(RANGE_LOOKUP_STRATEGY 'max'))
RANGE(MIN valid_from MAX valid_until)
LIFETIME(0)
