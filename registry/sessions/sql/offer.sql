-- Keep a code that logs in once: $1 its hash, $2 how long it does.
INSERT INTO keyledger.console_login (code_hash, ends_at)
VALUES ($1, now() + $2::interval)
