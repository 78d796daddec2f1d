-- Every part of an anchor, up to the applied position: hides rows of later or half-written events.
CREATE OR REPLACE VIEW {{database}}.usage_anchor{{on_cluster}} AS
SELECT
    source,
    journal,
    batch,
    position,
    part,
    parts,
    recorded_at
FROM {{database}}.usage_anchor_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
