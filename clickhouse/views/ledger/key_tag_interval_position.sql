-- Like key_tag_interval, with the position of the last event that took effect at the start of the interval.
CREATE OR REPLACE VIEW {{database}}.key_tag_interval_position{{on_cluster}} AS
SELECT
    public_id,
    opened_by AS position,
    fromUnixTimestamp64Milli(valid_from_ms, 'UTC') AS valid_from,
    fromUnixTimestamp64Milli(valid_until_ms, 'UTC') AS valid_until,
    tags
FROM (
{{intervals}})
