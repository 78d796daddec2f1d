-- A clean stop: $1 the instances.
DELETE FROM keyledger.heartbeat
WHERE instance = ANY($1::uuid[])
