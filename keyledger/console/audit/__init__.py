"""Verify, state at an instant, differences, and the way to an explanation."""
