-- Relays that began on the empty log: they stand at its genesis, not at that of the restored one.
DELETE FROM keyledger.relay_checkpoint
WHERE position = 0
