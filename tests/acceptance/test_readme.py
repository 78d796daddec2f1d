"""The README's commands do what it says."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.support.documents import blocks, environment, in_the_background, run


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_the_readme_works_as_written(tmp_path: Path) -> None:
    port = str(free_port())
    start, use = (block.replace("8080", port) for block in blocks("README.md", "tests/acceptance/test_readme.py"))
    environ = environment(tmp_path)
    async with in_the_background(start, b"ready ", tmp_path, environ):
        printed = await run(use, tmp_path, environ)
    assert '"api_key":"sk-t0-' in printed
    assert '"customer_id": "acme"' in printed  # the filtered list has acme's key alone
    assert "kl-admin-" in printed
    assert "Coverage" in printed
