-- Begin a session: $1 the hash of its id, $2 the id of its token or NULL, $3 how long it lasts.
INSERT INTO keyledger.console_session (id_hash, token_id, begun_at, ends_at)
VALUES ($1, $2, now(), now() + $3::interval)
