"""A registry that commit 0e7b1c3 made: see README.md."""
