-- A page of all keys: $1 the stream to start after, $2 the maximum number of streams.
SELECT stream
FROM keyledger.key_state
WHERE stream > $1
ORDER BY stream
LIMIT $2
