-- All heartbeats, and how long ago each was, by the clock that wrote them.
SELECT
    instance,
    part,
    host,
    pid,
    started_at,
    leads,
    beat_at,
    succeeded_at,
    extract(EPOCH FROM clock_timestamp() - beat_at)::double precision AS silent_s
FROM keyledger.heartbeat
ORDER BY part, started_at, instance
