"""The data folder: where the embedded default keeps everything, and the lock that admits one process at a time."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keyledger.embedded.errors import FolderError, WrongOwner
from keyledger.embedded.lock import FolderLock
from keyledger.embedded.ownership import account_name, check_files, chown
from keyledger.embedded.postgresql.account import service_account

_LOCK_NAME: Final = "lock"


class DataFolder:
    """The layout of a data folder. Making the object touches nothing; `acquire` makes the folder and locks it."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.abspath(path))  # noqa: PTH100 - a link to the folder stays the name that its owner gave it
        self._lock = FolderLock(self.path / _LOCK_NAME)

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data, passwords, port and log: `EmbeddedPostgres` makes it."""
        return self.path / "postgres"

    @property
    def clickhouse(self) -> Path:
        """The ClickHouse engine's data: the engine makes it."""
        return self.path / "clickhouse"

    @property
    def admin_token(self) -> Path:
        """The first admin token, 0600."""
        return self.path / "admin-token"

    @property
    def scratch(self) -> Path:
        """Temporary files of the process that holds the folder: emptied at every start."""
        return self.path / "tmp"

    @property
    def operator_socket(self) -> Path:
        """Where operator commands reach the process that holds the folder; see `operator_socket.py`."""
        return self.path / "operator.sock"

    def acquire(self) -> None:
        """Make the folder when it is new (0700) and lock it, or raise FolderError, FolderInUse. Never waits."""
        try:
            self._prepare()
            self._lock.acquire()
        except OSError as exc:
            self._check_files()  # it may say why, and what to do
            raise FolderError(
                f"{self.path} cannot be used ({exc.strerror}): choose another folder with --data."
            ) from exc
        try:
            self._check_files()
        except BaseException:
            self._lock.release()
            raise

    def release(self) -> None:
        """Let the next process in. May be called twice."""
        self._lock.release()

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _prepare(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.path.stat().st_uid
        if owner != os.geteuid():
            raise WrongOwner(
                f"{self.path} belongs to {account_name(owner)}: run as that account, choose another folder with "
                f"--data, or take this one over: {self._take_over()}"
            )
        # Somebody's home, given by mistake, must not get a server's files and be closed to its group.
        if not (self.path / _LOCK_NAME).exists() and any(self.path.iterdir()):
            raise FolderError(f"{self.path} holds other files: choose an empty or a new folder with --data.")
        self.path.chmod(0o700)

    def _check_files(self) -> None:
        # Root can use all but what PostgreSQL, which does not run as root, looks at by itself.
        if os.geteuid() != 0:
            check_files(self.path, os.geteuid(), leave_out=self.postgres / "data")

    def _take_over(self) -> str:
        """The command that makes the folder ours. As root PostgreSQL's own part goes to the account that it runs as."""
        command, account = chown(os.geteuid(), self.path), service_account()
        return command if account is None else f"{command} && {chown(account.uid, self.postgres / 'data')}"
