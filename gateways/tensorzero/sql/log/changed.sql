-- A page of the log as the sync reads it: which streams changed, and up to which position. $1 the position to start
-- after, $2 the maximum number of events.
SELECT
    position,
    stream,
    hash
FROM keyledger.event
WHERE position > $1
ORDER BY position
LIMIT $2
