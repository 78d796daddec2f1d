"""Webhooks: the events of the log, sent to who wants them, signed and in order for each key."""
