"""Checks that everything matches the log, and rebuilds derived data that does not."""
