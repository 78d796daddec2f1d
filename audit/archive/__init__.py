"""Exports the log to files that prove themselves, and restores it."""
