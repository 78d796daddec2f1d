-- Give the empty log the identity of the restored one: $1 its id.
UPDATE keyledger.log_identity
SET log_id = $1
