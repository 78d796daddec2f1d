-- Whole tag maps for look-ups of single rows and dashboards, never for an invoice: it is as old as its last reload.
-- Bounds are closed, so the last millisecond of an interval is the one before the next begins. They are numbers, as
-- ClickHouse 25.8 refuses to look up a DateTime64.
CREATE OR REPLACE DICTIONARY {{database}}.key_tags{{on_cluster}}
(
    key_hash       UInt64,
    valid_from_ms  Int64,
    valid_until_ms Int64,
    public_id      String,
    tags           String                              -- a JSON object: other types cost many times the memory
)
PRIMARY KEY key_hash
SOURCE(CLICKHOUSE(QUERY $$
    SELECT
        sipHash64(c.credential_id) AS key_hash,        -- any credential's id leads to its key
        toUnixTimestamp64Milli(i.valid_from) AS valid_from_ms,
        ifNull(toUnixTimestamp64Milli(i.valid_until) - 1, toInt64(9223372036854775807)) AS valid_until_ms,
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
RANGE(MIN valid_from_ms MAX valid_until_ms)
LIFETIME(0)
