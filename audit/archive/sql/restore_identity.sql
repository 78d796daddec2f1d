-- The empty log becomes the one that is restored: $1 its id.
UPDATE keyledger.log_identity
SET log_id = $1
