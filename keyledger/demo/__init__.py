"""The demo: the whole story on real parts, with made-up usage."""
