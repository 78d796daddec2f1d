"""ClickHouse's HTTP interface over the embedded engine, as a process of its own: for tests where no server is.

It needs only the standard library, chdb, lz4 and a zstd module, so it also runs in an environment with an older engine.
"""
