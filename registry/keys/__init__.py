"""Keys and admin tokens: what can happen to them, when it is allowed, and the state that results. Pure."""
