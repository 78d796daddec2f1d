"""Whether an API key works now, from memory: for gateways and proxies that ask for each request."""
