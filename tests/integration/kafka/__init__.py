"""The way through a real broker."""
