-- Keep everybody out of an empty log until the restored one is committed: whoever opens it reads its identity first.
LOCK TABLE keyledger.log_identity IN ACCESS EXCLUSIVE MODE;
-- A sort of the whole log is cheaper than a walk through it in the order of an index.
SET LOCAL cursor_tuple_fraction = 1;
SET LOCAL work_mem = '64MB';
ALTER TABLE keyledger.log_identity DISABLE TRIGGER log_identity_append_only
