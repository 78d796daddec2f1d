"""A second ledger beside the live one: rebuilt, compared, switched to."""
