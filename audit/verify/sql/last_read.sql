-- How the last full verify ended, and how long ago.
SELECT
    ended_at,
    position,
    findings,
    failure,
    extract(EPOCH FROM clock_timestamp() - ended_at)::double precision AS age_s
FROM keyledger.last_verify
