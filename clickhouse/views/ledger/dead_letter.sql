CREATE OR REPLACE VIEW {{database}}.dead_letter{{on_cluster}} AS
SELECT
    id,
    kind,
    detail,
    position,
    held_position,
    status,
    reason,
    found_at,
    decided_at
FROM {{database}}.dead_letter_v1 FINAL
