"""The price book over HTTP."""
