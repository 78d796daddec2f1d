"""The README's commands do what it says."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"<!-- run by tests/acceptance/test_readme.py -->\n```sh\n(.*?)```", re.DOTALL)
# What the README asks of curl, for machines without one.
CURL = """#!{python}
import argparse, httpx
parser = argparse.ArgumentParser()
parser.add_argument("-sS", action="store_true")
parser.add_argument("-X", default="GET")
parser.add_argument("-H", action="append", default=[])
parser.add_argument("-d", default="")
parser.add_argument("url")
given = parser.parse_args()
headers = dict(header.split(": ", 1) for header in given.H)
answer = httpx.request(given.X, given.url, headers=headers, content=given.d)
print(answer.text)
answer.raise_for_status()
"""


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


async def test_the_readme_works_as_written(tmp_path: Path) -> None:
    start, use = (block.replace("8080", str(port)) for port in [free_port()] for block in BLOCK.findall(readme()))
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "curl").write_text(CURL.format(python=sys.executable))
    (tools / "keyledger").write_text(f'#!/bin/sh\nexec {sys.executable} -m keyledger.cli "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    environ = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}

    up = await asyncio.create_subprocess_shell(
        f"exec {start.strip()}", cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert up.stdout is not None
    async with asyncio.timeout(60):
        while not (await up.stdout.readline()).startswith(b"ready "):
            assert up.returncode is None
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euc", use, cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await shell.communicate()
    up.terminate()
    assert await up.wait() == 0
    assert shell.returncode == 0, err.decode()
    printed = out.decode()
    assert '"api_key":"sk-t0-' in printed
    assert '"customer_id": "acme"' in printed  # the filtered list has acme's key alone
    assert "kl-admin-" in printed
    assert "Coverage" in printed


def readme() -> str:
    """The README's text."""
    return (ROOT / "README.md").read_text(encoding="utf-8")
