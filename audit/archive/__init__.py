"""The log as files that prove themselves, and back."""
