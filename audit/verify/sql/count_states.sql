-- How many streams have a state: precise enough for a progress bar.
SELECT
    (SELECT count(*) FROM keyledger.key_state)
    + (SELECT count(*) FROM keyledger.admin_token)
    + (SELECT count(*) FROM keyledger.price_state) AS count
