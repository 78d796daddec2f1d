"""The tag policy: what tags a key must and may have. It is one for a log, and each of its versions is an event."""
