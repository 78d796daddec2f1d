"""What serves callers in a process: its sockets and bounds, its health, and its loop of long reads."""
