"""The registry that commit 0e7b1c3 made: how, and how a test opens it. See tests/golden/stored/README.md."""
