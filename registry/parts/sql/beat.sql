-- One beat of the parts of a process: $1 their instances, $2 the parts, $3 the host, $4 the process, $5 the seconds that
-- it has run, $6 whether each leads, $7 the seconds since each did its work, or NULL. What no longer matters goes: silent
-- ones of these parts that a later start on the host has replaced ($8 the seconds after which one counts as silent), and
-- those silent for longer than $9 seconds, as another of their kind runs.
WITH beat AS (
    INSERT INTO keyledger.heartbeat AS mine (instance, part, host, pid, started_at, leads, beat_at, succeeded_at)
    SELECT
        one.instance,
        one.part,
        $3,
        $4,
        clock_timestamp() - make_interval(secs => $5),
        one.leads,
        clock_timestamp(),
        clock_timestamp() - make_interval(secs => one.succeeded_s)
    FROM unnest($1::uuid[], $2::text[], $6::boolean[], $7::double precision[]) AS one (
        instance, part, leads, succeeded_s
    )
    ON CONFLICT (instance) DO UPDATE SET
        leads = excluded.leads,
        beat_at = excluded.beat_at,
        succeeded_at = excluded.succeeded_at
)
DELETE FROM keyledger.heartbeat AS silent
WHERE
    silent.part = ANY($2::text[])
    AND silent.instance <> ALL($1::uuid[])
    AND (
        silent.beat_at < clock_timestamp() - make_interval(secs => $9)
        OR (
            silent.host = $3
            AND silent.beat_at < clock_timestamp() - make_interval(secs => greatest($5, $8))
        )
    )
