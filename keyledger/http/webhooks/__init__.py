"""Webhooks over HTTP: who is sent the events of the log, and what became of each."""
