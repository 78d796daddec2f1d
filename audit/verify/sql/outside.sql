-- Events at positions that no log has: whoever reads from position 1 on never meets them.
SELECT position
FROM keyledger.event
WHERE position < 1
ORDER BY position
LIMIT 100
