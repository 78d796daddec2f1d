-- How many other sessions have the registry open.
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'keyledger' AND pid <> pg_backend_pid()
