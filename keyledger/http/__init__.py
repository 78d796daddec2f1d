"""HTTP: all routes, one file a resource, and what they share."""
