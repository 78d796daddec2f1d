"""The commands of a document, run as they are written: one block in the background, the next against it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the documents ask of curl, for machines without one.
_CURL = """#!{python}
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


def blocks(document: str, test: str, language: str = "sh") -> list[str]:
    """The blocks of a document that a test says it runs."""
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"<!-- run by {re.escape(test)} -->\n```{language}\n(.*?)```", text, re.DOTALL)


def environment(folder: Path) -> dict[str, str]:
    """Variables with which `keyledger`, `python` and `curl` are those of this checkout."""
    tools = folder / "bin"
    tools.mkdir()
    (tools / "curl").write_text(_CURL.format(python=sys.executable))
    (tools / "keyledger").write_text(f'#!/bin/sh\nexec {sys.executable} -m keyledger.cli "$@"\n')
    (tools / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    return {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}


@asynccontextmanager
async def in_the_background(block: str, ready: bytes, folder: Path, environ: dict[str, str]) -> AsyncIterator[None]:
    """Run a block from the line that says it is ready until the end, when it must stop cleanly."""
    process = await asyncio.create_subprocess_shell(
        f"exec {block.strip()}", cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async with asyncio.timeout(90):
        while ready not in (line := await process.stdout.readline()):
            assert line, "it ended without being ready"
    reading = asyncio.create_task(process.stdout.read())
    yield
    process.send_signal(signal.SIGINT)  # Ctrl-C, as the document says
    assert await process.wait() in {0, 130}
    await reading


async def run(block: str, folder: Path, environ: dict[str, str]) -> str:
    """What a block prints, all of whose commands must succeed."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euc", block, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await shell.communicate()
    assert shell.returncode == 0, out.decode()[-3000:] + err.decode()
    return out.decode()
