-- The credentials of each key and their lives, up to the applied position: hides rows of later or half-written events.
CREATE OR REPLACE VIEW {{database}}.key_credential{{on_cluster}} AS
SELECT
    credential_id,
    public_id,
    effective_ms,
    position,
    kind,
    expires_ms,
    recorded_at
FROM {{database}}.key_credential_v1 FINAL
WHERE position <= (SELECT position FROM {{database}}.applied_position)
