"""What `bench/import_keys.py` runs: a gateway's table and a mapping, and each step as a process of its own."""
