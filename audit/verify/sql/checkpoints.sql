-- How far the relay of each topic is, by its own word.
SELECT
    topic,
    log_id,
    position,
    hash
FROM keyledger.relay_checkpoint
WHERE position > 0
ORDER BY topic
