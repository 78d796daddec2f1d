"""Is everything as the log says? And what is derived, rebuilt where it is not."""
