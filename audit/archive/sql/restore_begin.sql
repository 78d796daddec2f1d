-- Keep everybody out of an empty log until the restored one is committed: opening a log starts with reading its
-- identity.
LOCK TABLE keyledger.log_identity IN ACCESS EXCLUSIVE MODE;
-- Sorting the whole log is cheaper than reading it in index order.
SET LOCAL cursor_tuple_fraction = 1;
SET LOCAL work_mem = '64MB';
ALTER TABLE keyledger.log_identity DISABLE TRIGGER log_identity_append_only
