"""A second ledger next to the live one: rebuilds it, compares it, and switches to it."""
