"""The admin API below /admin/api-keys."""
