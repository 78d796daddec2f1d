-- Save the frontier that is verified now. The clock is read first: rows applied meanwhile are read again.
INSERT INTO {{database}}.applied_checkpoint_v1
SELECT
    position,
    hash,
    log_id,
    recorded_at,
    now64(6, 'UTC') AS checked_at
FROM {{database}}.applied_position
WHERE position > 0
