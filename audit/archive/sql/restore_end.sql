-- ALWAYS: also where a session calls itself a replica, as the migration made it. The planner must not take a full log for
-- an empty one.
ALTER TABLE keyledger.log_identity ENABLE ALWAYS TRIGGER log_identity_append_only;
ANALYZE keyledger.event, keyledger.key_state, keyledger.credential, keyledger.admin_token
