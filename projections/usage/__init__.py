"""What the gateway recorded."""
