"""Admin tokens: their state, what is decided on them, and what each may see."""
