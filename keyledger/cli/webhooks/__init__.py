"""keyledger webhooks: who is sent the events of the log."""
