-- Every tag set or removed, up to the applied position: hides rows of later or half-written events.
CREATE OR REPLACE VIEW {{database}}.key_tag_change{{on_cluster}} AS
SELECT
    tag,
    public_id,
    effective_ms,
    position,
    value,
    recorded_at
FROM {{database}}.key_tag_change_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
