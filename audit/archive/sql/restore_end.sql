-- ALWAYS: also in a session that acts as a replica, as the migration created it. ANALYZE, so that the planner does not
-- mistake a full log for an empty one.
ALTER TABLE keyledger.log_identity ENABLE ALWAYS TRIGGER log_identity_append_only;
ANALYZE keyledger.event, keyledger.key_state, keyledger.credential, keyledger.admin_token,
    keyledger.price_state
