"""What usage a bill knows: all of now, or that of an anchor of the log."""
