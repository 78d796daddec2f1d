-- Use up a code that has not ended: $1 its hash.
DELETE FROM keyledger.console_login
WHERE code_hash = $1 AND ends_at > now()
