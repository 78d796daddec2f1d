-- How many streams have a state: enough for a bar.
SELECT (SELECT count(*) FROM keyledger.key_state) + (SELECT count(*) FROM keyledger.admin_token) AS count
