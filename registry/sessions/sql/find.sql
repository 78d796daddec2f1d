-- The session of an id that has not ended: $1 the hash of the id.
SELECT token_id, person, ends_at
FROM keyledger.console_session
WHERE id_hash = $1 AND ends_at > now()
