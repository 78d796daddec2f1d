"""READ SIDE: events into ClickHouse, and what is asked of it. Of `registry` it sees facts and their port alone."""
