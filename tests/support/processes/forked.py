"""Keyledger processes without their two seconds of imports: forked from a server that has imported everything once.

Such a process is as real as any other (its own pid, signals, streams, exit code, files and engine); only how its
interpreter started differs. The README's commands are started as a shell does.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

_Stream = tuple[asyncio.ReadTransport, asyncio.StreamReader]
# Everything that a test forks comes from it.
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["tests.support.processes.preloaded"])


class Forked:
    """One keyledger command as a process. It is killed when the process of the test ends."""

    def __init__(self, process: ForkServerProcess, stdout: _Stream, stderr: _Stream) -> None:
        self._process = process
        self._transports = (stdout[0], stderr[0])
        self.stdout = stdout[1]
        self.stderr = stderr[1]

    @classmethod
    async def start(cls, *arguments: str, environ: Mapping[str, str], log: Path | None = None) -> Forked:
        """Start it. With a `log` its stderr is appended to that file, and there is nothing to read here."""
        (stdout, out), (stderr, err) = SERVER.Pipe(duplex=False), SERVER.Pipe(duplex=False)
        process = SERVER.Process(target=_command, args=(arguments, dict(environ), out, err, log), daemon=True)
        await asyncio.to_thread(process.start)
        out.close()
        err.close()
        return cls(process, await _reader(stdout), await _reader(stderr))

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.exitcode is None

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.runs and self._process.pid is not None:
            os.kill(self._process.pid, number)

    async def wait(self) -> int:
        """Its exit code when it has ended, minus the signal's number if one ended it. Read its streams before."""
        if self.runs:
            loop, ended = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(self._process.sentinel, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(self._process.sentinel)
        for transport in self._transports:
            transport.close()
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode


async def run_forked(*arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run a keyledger command, with further variables where they are given: exit code, stdout, stderr."""
    process = await Forked.start(*arguments, environ={**os.environ, **(environ or {})})
    out, err = await asyncio.gather(process.stdout.read(), process.stderr.read())
    return await process.wait(), out.decode(), err.decode()


async def _reader(connection: Connection) -> _Stream:
    reader = asyncio.StreamReader()
    file = os.fdopen(os.dup(connection.fileno()), "rb", buffering=0)
    connection.close()
    protocol = asyncio.StreamReaderProtocol(reader)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, file)
    return transport, reader


def _command(
    arguments: tuple[str, ...], environ: dict[str, str], out: Connection, err: Connection, log: Path | None
) -> None:
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno() if log is None else os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), 2)
    out.close()
    err.close()
    become(arguments, environ)


def become(arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Run the command in this forked process, whose streams are those of the command already."""
    from keyledger.cli import main  # noqa: PLC0415 - it is there already: the server has imported it

    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["keyledger", *arguments]
    main()
