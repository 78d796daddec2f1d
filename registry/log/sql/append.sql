-- Append a batch, save the state it changes and keep its answers, each column as an array; on commit, wake the readers
-- that tail the log. All in one statement: one round trip. It may be sent without the lock: with the head that the batch
-- was decided on ($1) it takes the lock itself, and writes nothing if the log has moved on (see take_turn). $6 are the
-- ids of requests that may be repeats, of which none may have an answer yet. At the end, in `rows/`, come the tables that
-- the batch changes and no others: the server opens each that a statement names.
WITH turn AS MATERIALIZED (
    SELECT
        CASE
            WHEN $1::bigint IS NULL THEN TRUE
            ELSE keyledger.take_turn(
                $1, $2::bytea, $3::bigint, $4::timestamptz, $5::interval, $6::bytea[], '{{kept}}'
            )
        END AS is_ours
),
appended AS (
    INSERT INTO keyledger.event (
        position, stream, version, type, schema_version, recorded_at, effective_at, actor, on_behalf_of, request_id,
        reason, payload, salt, payload_digest, hash
    )
    SELECT *
    FROM unnest(
        $7::bigint[], $8::text[], $9::bigint[], $10::text[], $11::smallint[], $12::timestamptz[], $13::timestamptz[],
        $14::text[], $15::text[], $16::text[], $17::text[], $18::bytea[], $19::bytea[], $20::bytea[], $21::bytea[]
    )
    WHERE (SELECT turn.is_ours FROM turn)
    RETURNING position
){{rows}}
SELECT
    turn.is_ours,
    (SELECT pg_notify('keyledger_event', max(position)::text) FROM appended HAVING count(*) > 0) AS woken
FROM turn
