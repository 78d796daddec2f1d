-- What began, limited, interrupted or ended each key, up to the applied position: hides rows of later or half-written
-- events.
CREATE OR REPLACE VIEW {{database}}.key_life{{on_cluster}} AS
SELECT
    public_id,
    effective_ms,
    position,
    kind,
    expiration_ms,
    recorded_at
FROM {{database}}.key_life_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
