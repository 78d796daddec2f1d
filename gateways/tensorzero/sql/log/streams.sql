-- A page of all keys: $1 the stream after which it begins, $2 how many at most.
SELECT stream
FROM keyledger.key_state
WHERE stream > $1
ORDER BY stream
LIMIT $2
