-- A full verify has ended: $1 the position that it looked up to, $2 its findings, or $3 why it could not be finished.
INSERT INTO keyledger.last_verify (ended_at, position, findings, failure)
VALUES (clock_timestamp(), $1, $2, $3)
ON CONFLICT (id) DO UPDATE SET
    ended_at = excluded.ended_at,
    position = excluded.position,
    findings = excluded.findings,
    failure = excluded.failure
