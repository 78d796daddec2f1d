"""The tag policy over HTTP."""
