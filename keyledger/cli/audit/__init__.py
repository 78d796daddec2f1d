"""keyledger audit: any state, any bill, any moment, from the log alone."""
