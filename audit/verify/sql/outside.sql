-- Events at positions that no log has: a reader that starts at position 1 never sees them.
SELECT position
FROM keyledger.event
WHERE position < 1
ORDER BY position
LIMIT 100
