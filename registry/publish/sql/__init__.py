"""The SQL statements on the relay's checkpoint, one per file."""
