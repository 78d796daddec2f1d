-- How far each topic's relay is, according to its own row.
SELECT
    topic,
    log_id,
    position,
    hash
FROM keyledger.relay_checkpoint
WHERE position > 0
ORDER BY topic
