-- Which tags each key had and when, as known at a position; the greatest UInt64 means everything that is applied.
-- valid_from is inclusive, valid_until exclusive; there NULL means until further notice.
CREATE OR REPLACE VIEW {{database}}.key_tag_interval_known{{on_cluster}} AS
SELECT
    public_id,
    fromUnixTimestamp64Milli(valid_from_ms, 'UTC') AS valid_from,
    fromUnixTimestamp64Milli(valid_until_ms, 'UTC') AS valid_until,
    tags
FROM (
{{intervals}})
