"""The log's database: connections, the lock of the active instance, tables and migrations."""
