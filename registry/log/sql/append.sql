-- Append a batch, save the state it changes and keep its answers, each column as an array; on commit, wake the readers
-- that tail the log. All in one statement: one round trip. It may be sent without the lock: with the head that the batch
-- was decided on ($46) it takes the lock itself, and writes nothing if the log has moved on (see take_turn). $51 are the
-- ids of requests that may be repeats, of which none may have an answer yet.
WITH turn AS MATERIALIZED (
    SELECT
        CASE
            WHEN $46::bigint IS NULL THEN TRUE
            ELSE keyledger.take_turn(
                $46, $47::bytea, $48::bigint, $49::timestamptz, $50::interval, $51::bytea[], '{{kept}}'
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
        $1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::smallint[], $6::timestamptz[], $7::timestamptz[],
        $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[], $14::bytea[], $15::bytea[]
    )
    WHERE (SELECT turn.is_ours FROM turn)
    RETURNING position
),
-- The current state of keys. Organization, workspace and creation stay for life.
saved_key AS (
    INSERT INTO keyledger.key_state (
        stream, public_id, created_position, tags, expiration, suspended_at, revoked_at, document, organization,
        workspace, created_at, search, tags_due_at
    )
    SELECT stream, public_id, created_position, tags::jsonb, expiration, suspended_at, revoked_at, document,
        organization, workspace, created_at, search, tags_due_at
    FROM unnest(
        $16::text[], $17::text[], $18::bigint[], $19::text[], $20::timestamptz[], $21::timestamptz[],
        $22::timestamptz[], $23::text[], $24::text[], $25::text[], $26::timestamptz[], $27::text[],
        $28::timestamptz[]
    ) AS row (
        stream, public_id, created_position, tags, expiration, suspended_at, revoked_at, document, organization,
        workspace, created_at, search, tags_due_at
    )
    WHERE (SELECT turn.is_ours FROM turn)
    ON CONFLICT (stream) DO UPDATE SET
        tags = excluded.tags,
        expiration = excluded.expiration,
        suspended_at = excluded.suspended_at,
        revoked_at = excluded.revoked_at,
        document = excluded.document,
        search = excluded.search,
        tags_due_at = excluded.tags_due_at
),
-- The hashes of new credentials. A credential's hash never changes, so a repeat is an error.
saved_credential AS (
    INSERT INTO keyledger.credential (credential_id, public_id, secret_hash)
    SELECT *
    FROM unnest($29::text[], $30::text[], $31::text[])
    WHERE (SELECT turn.is_ours FROM turn)
),
-- The current state of admin tokens. The hash is written with a token's first row and stays.
saved_token AS (
    INSERT INTO keyledger.admin_token (stream, token_id, secret_hash, document)
    SELECT *
    FROM unnest($32::text[], $33::text[], $34::text[], $35::text[])
    WHERE (SELECT turn.is_ours FROM turn)
    ON CONFLICT (stream) DO UPDATE SET document = excluded.document
),
-- The current state of prices. All but the document stays for life.
saved_price AS (
    INSERT INTO keyledger.price_state (stream, price_id, model, provider, tag_count, created_position, document)
    SELECT *
    FROM unnest($36::text[], $37::text[], $38::text[], $39::text[], $40::integer[], $41::bigint[], $42::text[])
    WHERE (SELECT turn.is_ours FROM turn)
    ON CONFLICT (stream) DO UPDATE SET document = excluded.document
),
-- Answers for requests that may be repeated. An id under which something was kept before, and is no longer, is free.
kept AS (
    INSERT INTO keyledger.kept_answer AS kept (id, digest, sealed, kept_at)
    SELECT id, digest, sealed, clock_timestamp()
    FROM unnest($43::bytea[], $44::bytea[], $45::bytea[]) AS row (id, digest, sealed)
    WHERE (SELECT turn.is_ours FROM turn)
    ON CONFLICT (id) DO UPDATE SET
        digest = excluded.digest,
        sealed = excluded.sealed,
        kept_at = excluded.kept_at
    WHERE kept.kept_at <= now() - interval '{{kept}}'
)
SELECT
    turn.is_ours,
    (SELECT pg_notify('keyledger_event', max(position)::text) FROM appended HAVING count(*) > 0) AS woken
FROM turn
