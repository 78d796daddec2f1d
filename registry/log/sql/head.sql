-- The last event.
SELECT
    position, hash, recorded_at
FROM keyledger.event
ORDER BY position DESC
LIMIT 1
