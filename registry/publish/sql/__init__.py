"""The statements on the relay's checkpoint, one a file."""
