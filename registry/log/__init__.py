"""The event log: its port, its two adapters, and what makes order, instants, hashes and current state."""
