"""The SQL statements on heartbeats, one per file."""
