"""What happened to a key, and what it was at any moment."""
