-- What was restored, and how much of it has no secret.
SELECT
    (SELECT count(*) FROM keyledger.key_state) AS keys,
    (SELECT count(DISTINCT public_id) FROM keyledger.credential WHERE secret_hash IS NULL) AS keys_without_secret,
    (SELECT count(*) FROM keyledger.admin_token) AS tokens,
    (SELECT count(*) FROM keyledger.admin_token WHERE secret_hash IS NULL) AS tokens_without_secret
