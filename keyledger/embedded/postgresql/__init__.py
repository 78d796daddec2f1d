"""The embedded PostgreSQL: its programs, its account, its folder, and who starts and stops it."""
