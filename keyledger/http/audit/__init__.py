"""The replay tools over HTTP: what only reads, below /audit with the scope audit:read."""
