"""REPLAY TOOLS: any state, any bill, any moment, from the log alone.

Each tool is a function or an async generator on the log's port, and on ClickHouse where it needs it. They read; what
they write, they say: `repair` writes what is derived, `replay` a second ledger, `restore` an empty log.
"""
