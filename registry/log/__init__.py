"""The event log: its port, its two adapters, and what assigns order, times, hashes and current state."""
