"""Keys and admin tokens: what can happen to them, when it is allowed, and what they are after it. Pure."""
