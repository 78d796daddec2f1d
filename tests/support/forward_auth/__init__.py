"""Real proxies, from a package index, that ask Keyledger about keys."""
