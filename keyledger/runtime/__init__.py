"""What a process holds open and runs, made from settings."""
