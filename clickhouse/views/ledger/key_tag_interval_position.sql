-- As key_tag_interval, with the position of the last event that had effect where the interval begins.
CREATE OR REPLACE VIEW {{database}}.key_tag_interval_position{{on_cluster}} AS
SELECT
    public_id,
    opened_by AS position,
    fromUnixTimestamp64Milli(valid_from_ms, 'UTC') AS valid_from,
    fromUnixTimestamp64Milli(valid_until_ms, 'UTC') AS valid_until,
    tags
FROM (
{{intervals}})
