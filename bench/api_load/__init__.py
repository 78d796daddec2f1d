"""What `bench.api` is made of: a registry with a constant route, and the load generator."""
