"""The only access to ClickHouse: client, templates and objects."""
