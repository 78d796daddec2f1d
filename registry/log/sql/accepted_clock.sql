-- The last decision of an operator to go on after an event that is dated after the clock: $1 the stream of the clock.
SELECT
    event.position,
    event.recorded_at
FROM keyledger.event
WHERE event.stream = $1 AND event.type = 'ClockDivergenceAccepted'
ORDER BY event.version DESC
LIMIT 1
