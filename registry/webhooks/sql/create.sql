-- Make a webhook: $1 its id, $2 the URL, $3 the types or NULL, $4 to $6 the place in the log that it begins after, $7
-- when, $8 by whom, $9 for whom, $10 how many there may be. Returns no row where there are so many.
INSERT INTO keyledger.webhook (webhook_id, url, types, log_id, position, hash, created_at, created_by, created_for)
SELECT
    $1,
    $2,
    $3,
    $4,
    $5,
    $6,
    $7,
    $8,
    $9
WHERE (SELECT count(*) FROM keyledger.webhook WHERE deleted_at IS NULL) < $10::bigint
RETURNING number
