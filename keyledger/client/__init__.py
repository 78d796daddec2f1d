"""Clients of the HTTP API: the portal's, and that of the operator's commands."""
