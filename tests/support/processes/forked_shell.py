"""A program `keyledger` for scripts, which runs each command forked rather than executed: see `forked`.

It hands its arguments, folder, variables and streams over a Unix socket, and ends with the command's exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.support.processes.forked import SERVER, become

# Without `site`: it starts in a fiftieth of a second.
_PROGRAM = """#!{python} -SE
import json, os, socket, sys
asked = json.dumps({{"arguments": sys.argv[1:], "folder": os.getcwd(), "environ": dict(os.environ)}}).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect({path!r})
    socket.send_fds(server, [len(asked).to_bytes(4)], [0, 1, 2])
    server.sendall(asked)
    code = server.recv(1)
sys.exit(code[0] if code else 1)
"""


@contextmanager
def forked_program(program: Path) -> Iterator[None]:
    """Write the program, which works until the block ends."""
    # A socket's path has at most a hundred bytes: a test's own folder can be longer.
    with tempfile.TemporaryDirectory(prefix="keyledger-") as folder, socket.socket(socket.AF_UNIX) as listening:
        path = f"{folder}/commands"
        listening.bind(path)
        listening.listen()
        program.write_text(_PROGRAM.format(python=sys.executable, path=path))
        program.chmod(0o755)
        serving = threading.Thread(target=_serve, args=(listening,))
        serving.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def _serve(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_run, args=(connection,)).start()


def _run(connection: socket.socket) -> None:
    with connection:
        length, streams, _, _ = socket.recv_fds(connection, 4, 3)
        with connection.makefile("rb") as asked:
            command = json.loads(asked.read(int.from_bytes(length)))
        handed = [Connection(stream, readable=True) for stream in streams]
        process = SERVER.Process(target=_command, args=(command, handed), daemon=True)
        process.start()
        for one in handed:
            one.close()
        process.join()
        connection.sendall(bytes([(process.exitcode or 0) & 255]))


def _command(command: dict[str, Any], streams: list[Connection]) -> None:
    os.chdir(command["folder"])
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    become(command["arguments"], command["environ"])
