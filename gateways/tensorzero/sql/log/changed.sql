-- A page of the log as the sync reads it: which streams changed, and how far that is. $1 the position after which it
-- begins, $2 how many events at most.
SELECT
    position,
    stream,
    hash
FROM keyledger.event
WHERE position > $1
ORDER BY position
LIMIT $2
