-- Append a batch, each column an array, and wake who tails the log when it commits.
WITH appended AS (
    INSERT INTO keyledger.event (
        position, stream, version, type, schema_version, recorded_at, effective_at, actor, on_behalf_of, request_id,
        reason, payload, salt, payload_digest, hash
    )
    SELECT *
    FROM unnest(
        $1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::timestamptz[], $7::timestamptz[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]
    )
    RETURNING position
)
SELECT pg_notify('keyledger_event', max(position)::text)
FROM appended
