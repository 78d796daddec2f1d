"""The feed of events, by pages and live."""
