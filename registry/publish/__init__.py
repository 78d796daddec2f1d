"""Publishes the log to a topic: records, the relay, and its checkpoint."""
