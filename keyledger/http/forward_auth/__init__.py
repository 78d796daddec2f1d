"""Forward-auth: whether the API key of a request works, for proxies that ask before they let it through."""
