-- End every session, and every code that was not used.
WITH unused AS (
    DELETE FROM keyledger.console_login
)
DELETE FROM keyledger.console_session
