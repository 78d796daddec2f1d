"""The SQL statements about the log's database as a whole, one per file."""
