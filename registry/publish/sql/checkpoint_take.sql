-- The relay's checkpoint, created if missing: $1 the topic, $2 the log's id, $3 its genesis hash.
INSERT INTO keyledger.relay_checkpoint AS checkpoint (topic, log_id, position, hash, updated_at)
VALUES ($1, $2, 0, $3, clock_timestamp())
ON CONFLICT (topic) DO UPDATE SET topic = checkpoint.topic
RETURNING log_id, position, hash
