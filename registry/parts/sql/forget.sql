-- Nothing runs, and nothing is missed: for one who holds the whole installation alone.
DELETE FROM keyledger.heartbeat
