"""The price book: what counts when, and changes with what they would do to bills."""
