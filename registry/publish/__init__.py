"""The log onto a topic: records, the relay, and how far it is."""
