"""The log as a feed for machines: what a portal needs to keep a copy of its own."""
