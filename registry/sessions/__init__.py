"""Sessions of people in the console: rows, not events, as nothing that is billed hangs on them."""
