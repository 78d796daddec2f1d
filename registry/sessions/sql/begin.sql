-- Begin a session: $1 the hash of its id, $2 the id of its token or NULL, $3 the person or NULL, $4 how long it lasts.
INSERT INTO keyledger.console_session (id_hash, token_id, person, begun_at, ends_at)
VALUES ($1, $2, $3, now(), now() + $4::interval)
