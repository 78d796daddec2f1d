"""A keyledger command in the process of the test: what it prints and how it ends, without a second of start-up."""

from __future__ import annotations

import asyncio
import contextlib
import io
import sys
import threading
from unittest import mock

from keyledger.cli import main

# Arguments and streams are the process's: one command at a time.
_lock = threading.Lock()


async def run_in_process(*arguments: str) -> tuple[int, str, str]:
    """Run a command that asks a running registry, in a thread: exit code, stdout, stderr.

    Not for commands that open a folder themselves: their engine has room for one folder in a process.
    """
    return await asyncio.to_thread(_run, arguments)


def _run(arguments: tuple[str, ...]) -> tuple[int, str, str]:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="") for _ in range(2))
    with (
        _lock,
        mock.patch.object(sys, "argv", ["keyledger", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code: str | int | None = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    assert isinstance(code, int | None)
    for stream in (out, err):
        stream.seek(0)
    return code or 0, out.read(), err.read()
