"""REPLAY TOOLS: any state, any bill, any moment, from the log alone.

Each tool is a function or an async generator on the log's port, and on ClickHouse if needed. They only read, with three
exceptions: `repair` writes derived data, `replay` a second ledger, `restore` an empty log.
"""
