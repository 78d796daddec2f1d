-- Delete the sessions and codes that have ended.
WITH ended AS (
    DELETE FROM keyledger.console_login
    WHERE ends_at <= now()
)
DELETE FROM keyledger.console_session
WHERE ends_at <= now()
