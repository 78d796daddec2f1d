"""The README's commands do what it says."""

from __future__ import annotations

from pathlib import Path

from tests.support.documents import blocks, environment, in_the_background, run
from tests.support.servers.broker import free_port


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
