"""Health, readiness and metrics, which need no token."""
