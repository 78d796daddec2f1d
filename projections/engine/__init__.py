"""The one way to ClickHouse: client, templates and objects."""
