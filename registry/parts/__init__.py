"""Which parts of the installation run: each leaves a heartbeat in the log's database."""
