"""The OpenAPI document: what the framework makes of the routes, with what it can't know."""
