"""What finance asks, below /billing."""
