-- End a session: $1 the hash of its id.
DELETE FROM keyledger.console_session
WHERE id_hash = $1
