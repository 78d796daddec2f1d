"""Imports the keys that a gateway already has: its table gives the keys, a mapping file gives their tags."""
