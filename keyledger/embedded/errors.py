"""Errors of the embedded default.

    EmbeddedError
    ├── FolderError                 the data folder cannot be used
    │   ├── FolderInUse                 another process has it open
    │   ├── DiskNearlyFull              its disk has too little room
    │   ├── DefinitionBroken            a file of the ClickHouse engine was cut short, and only a backup has it
    │   ├── WrongOwner                  files in it belong to another account
    │   ├── WrongMode                   files in it are closed to their own account, or open to others
    │   └── SocketPathTooLong           the operator socket cannot be named on this system
    └── PostgresError               the embedded PostgreSQL cannot be used
        ├── WrongPostgresVersion        another major version made its folder
        ├── PostgresNotInstalled        the wheel with its programs is missing, or they do not run here
        ├── PostgresNotReachable        root's unprivileged account cannot run the programs or hold the data
        ├── PostgresNotInitialised      initdb, or the roles made after it, failed
        ├── PostgresNotStarted          the server ended, or was not ready in time
        └── PostgresNotStopped          a server on the folder would not go

Each message is one sentence or two that say what to do. No password is ever in one.
"""

from __future__ import annotations

from registry.errors import KeyledgerError


class EmbeddedError(KeyledgerError):
    """The embedded default cannot go on."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class FolderError(EmbeddedError):
    """The data folder cannot be used."""


class FolderInUse(FolderError):
    """Another process has the data folder open."""

    def __init__(self, folder: str, pid: int | None) -> None:
        who = f"process {pid}" if pid is not None else "another process"
        super().__init__(f"{folder} is in use by {who}: stop that one first, or choose another folder with --data.")
        self.pid = pid


class DiskNearlyFull(FolderError):
    """The disk of the data folder is nearly full: make room, and start again."""


class DefinitionBroken(FolderError):
    """A file of the ClickHouse engine was cut short: put it back from a backup."""


class WrongOwner(FolderError):
    """Files of the data folder belong to another account: give them back with `chown`."""


class WrongMode(FolderError):
    """Files of the data folder have a wrong mode: correct it with `chmod`."""


class SocketPathTooLong(FolderError):
    """The path of the data folder is too long for a Unix socket on this system: choose a shorter one with --data."""


class PostgresError(EmbeddedError):
    """The embedded PostgreSQL cannot be used."""


class WrongPostgresVersion(PostgresError):
    """Another major version of PostgreSQL made the folder."""


class PostgresNotInstalled(PostgresError):
    """The embedded PostgreSQL is not installed: install keyledger[embedded], or set KEYLEDGER_DATABASE_URL."""


class PostgresNotReachable(PostgresError):
    """PostgreSQL refuses to run as root, and no unprivileged account can run it here: start as an ordinary user."""


class PostgresNotInitialised(PostgresError):
    """PostgreSQL could not make its data folder."""


class PostgresNotStarted(PostgresError):
    """PostgreSQL did not start."""


class PostgresNotStopped(PostgresError):
    """A PostgreSQL server on the data folder does not stop: end it by hand, then start again."""
