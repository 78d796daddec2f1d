"""What is around every request: its note, limits and log line, and who may read answers in a browser."""
