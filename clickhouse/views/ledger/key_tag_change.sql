-- Every tag set or removed, up to the applied position: hides rows of later or half-written events, and scheduled
-- changes that were cancelled before they took effect.
CREATE OR REPLACE VIEW {{database}}.key_tag_change{{on_cluster}} AS
SELECT
    tag,
    public_id,
    effective_ms,
    position,
    value,
    recorded_at
FROM {{database}}.key_tag_change_v1 FINAL
WHERE position <= {{position}}
    AND {{standing}}
