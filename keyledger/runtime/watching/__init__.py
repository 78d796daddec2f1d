"""What the status is made of: the parts that run, how far each follower of the log is, and what ClickHouse says."""
