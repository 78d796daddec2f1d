"""What needs the scope admin: tag policy, tokens, webhooks, health."""
