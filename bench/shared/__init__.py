"""What several benches use: a running registry, and rows of a gateway."""
