"""Takes over the keys that a gateway had before: what its table holds, and whose each key is by a mapping file."""
