"""READ SIDE: events into ClickHouse, and queries on it. From `registry` it imports only facts and their port."""
