-- Answers for requests that may be repeated. An id under which something was kept before, and is no longer, is free.
INSERT INTO keyledger.kept_answer AS kept (id, digest, sealed, kept_at)
SELECT id, digest, sealed, clock_timestamp()
FROM unnest($1::bytea[], $2::bytea[], $3::bytea[]) AS row (id, digest, sealed)
WHERE (SELECT turn.is_ours FROM turn)
ON CONFLICT (id) DO UPDATE SET
    digest = excluded.digest,
    sealed = excluded.sealed,
    kept_at = excluded.kept_at
WHERE kept.kept_at <= now() - interval '{{kept}}'
