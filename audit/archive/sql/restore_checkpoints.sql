-- Relays that started on the empty log: they are at its genesis, not at the restored log's.
DELETE FROM keyledger.relay_checkpoint
WHERE position = 0
