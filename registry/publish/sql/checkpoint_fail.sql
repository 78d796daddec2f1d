-- What stops the relay, for status reports: $1 the topic, $2 the failure or NULL.
UPDATE keyledger.relay_checkpoint
SET failure = $2
WHERE topic = $1 AND failure IS DISTINCT FROM $2
