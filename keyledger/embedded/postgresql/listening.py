"""Where the embedded PostgreSQL listens: a Unix socket in its data folder, and a port of loopback where asked for.

On TCP any local user can connect and so use up the connections, without a password. The data folder is closed to
others, the server stands in it, and it is the one folder that both root and root's account for PostgreSQL can enter.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Final
from urllib.parse import quote

from keyledger.embedded.errors import PostgresNotStarted
from keyledger.embedded.private_file import write_private
from keyledger.embedded.socket_path import short_name

_LOOPBACK: Final = "127.0.0.1"
_SOCKET_PORT: Final = 5432  # is in the socket's name alone: each data folder has its own


class Listening:
    """Where one server listens, from `open` to `close`; both may be called again."""

    def __init__(self, data: Path, tcp_port: int | None) -> None:
        self._data = data
        self._tcp_port = tcp_port
        self._socket = ExitStack()
        self._place: str | None = None
        self.port: int | None = None  # the port of loopback, while there is one

    def open(self) -> dict[str, str]:
        """Choose, for a server that is about to start; its settings. Raises SocketPathTooLong."""
        self.close()
        self.port = _free_port() if self._tcp_port == 0 else self._tcp_port
        port = self.port or _SOCKET_PORT
        if self.port is not None:
            self._place = f"{_LOOPBACK}:{port}/{{database}}"
        else:
            path = self._socket.enter_context(short_name(self._data / f".s.PGSQL.{port}"))
            self._place = f"/{{database}}?host={quote(str(Path(path).parent), safe='')}&port={port}"
        return {
            "listen_addresses": "" if self.port is None else _LOOPBACK,
            "port": str(port),
            "unix_socket_directories": ".",
            "unix_socket_permissions": "0700",
        }

    def url(self, role: str, password: str, database: str) -> str:
        """The URL for a role. Raises PostgresNotStarted where nothing was opened."""
        if self._place is None:
            raise PostgresNotStarted("PostgreSQL has not been started.")
        return f"postgresql+asyncpg://{role}:{password}@{self._place.format(database=database)}"

    def write_port(self, file: Path) -> None:
        """Leave the port in a file; none where there is none."""
        if self.port is None:
            file.unlink(missing_ok=True)
        else:
            write_private(file, f"{self.port}\n")

    def close(self) -> None:
        """Forget the place: its URLs lead nowhere from now on."""
        self._place = self.port = None
        self._socket.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
