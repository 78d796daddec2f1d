"""The supervisor of the embedded PostgreSQL: a real server of our own in one folder.

    FOLDER/            0700, ours
      data/            0700, PostgreSQL's own folder; belongs to the account that it runs as, as does the socket in it
      owner-password, app-password          0600, ours
      port             0600, ours, where it listens on TCP too
      postgres.log, postgres.log.1          0600, ours, bounded
      lock             held while a supervisor uses the folder

The server is a child in a session of its own. It ends with `stop`; after a kill -9 of ours it goes on, and the next
`start` sends it away first.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from keyledger.embedded.errors import PostgresError, PostgresNotStarted, PostgresNotStopped
from keyledger.embedded.lock import FolderLock
from keyledger.embedded.postgresql.account import Account, account_on, service_account
from keyledger.embedded.postgresql.binaries import programs_for
from keyledger.embedded.postgresql.cluster import APPLICATION, DATABASE, OWNER, check_version, make_cluster
from keyledger.embedded.postgresql.launch import Launcher
from keyledger.embedded.postgresql.listening import Listening
from keyledger.embedded.postgresql.processes import pid_file_lines, stop_servers
from keyledger.embedded.postgresql.server_log import ServerLog
from keyledger.embedded.private_file import write_private

_SETTINGS: Final = {
    # The log of the registry is the user's: these three are not to be bought off for speed.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_checkpoints": "off",
    # Neither statements nor the values of a violated key: hashes of secrets must not reach a log.
    "log_statement": "none",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_READY_TIMEOUT_S: Final = 300.0  # recovery after a crash of a big log takes its time
_RETRY_FOR_S: Final = 8.0
_REAP_TIMEOUT_S: Final = 10.0  # it has ended by then
_LOOK_EVERY_S: Final = 0.02


class EmbeddedPostgres:
    """One PostgreSQL server on one folder. Blocking: call it in a thread where a loop must go on.

    With `tcp_port` it listens on that port of loopback too, and its URLs name it; 0 takes a free one. `start` and
    `stop` may be called again, also after the server was killed; `with` does both.
    """

    def __init__(self, folder: Path, tcp_port: int | None = None) -> None:
        self._folder = Path(os.path.abspath(folder))  # noqa: PTH100 - the child starts elsewhere; links stay as they are
        self._data = self._folder / "data"
        self._lock = FolderLock(self._folder / "lock")
        self._log = ServerLog(self._folder / "postgres.log")
        self._listening = Listening(self._data, tcp_port)
        self._process: subprocess.Popen[bytes] | None = None
        self._account: Account | None = None

    def start(self) -> None:
        """Return when the server takes connections. Starting a running one does nothing.

        Makes the folder when it is new (about a second) and stops a server that a killed supervisor left on it. Raises
        FolderError, FolderInUse, and PostgresError: then nothing of ours runs and the folder is free.
        """
        if self.running:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
            is_new = not self._data.is_dir()
            self._account = service_account() if is_new else account_on(self._data)
            launcher = Launcher(programs_for(self._account), self._account)
            owner, application = self._password("owner"), self._password("app")
            if is_new:
                make_cluster(self._data, launcher, owner, application)
            else:
                check_version(self._data)
                stop_servers(self._data)
            self._launch(launcher)
            self._listening.write_port(self._folder / "port")
            self._log.watch()
        except BaseException as exc:
            self.stop()
            if isinstance(exc, OSError):
                raise PostgresError(f"PostgreSQL's folder {self._folder} cannot be used ({exc.strerror}).") from exc
            raise

    def stop(self) -> None:
        """Stop the server, wait for it, and free the folder. May be called twice. Takes at most 40 s."""
        process, self._process = self._process, None
        self._listening.close()
        self._log.unwatch()
        try:
            if process is not None:
                stop_servers(self._data)
                process.wait(_REAP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise PostgresNotStopped from None
        finally:
            self._lock.release()

    @property
    def running(self) -> bool:
        """Whether the server that we started is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def account_warning(self) -> str | None:
        """What to do about the account that the server runs as, if that is one for others, too."""
        return None if self._account is None else self._account.warning(self._data)

    @property
    def port(self) -> int | None:
        """The port of loopback that it listens on, while it does."""
        return self._listening.port

    @property
    def owner_url(self) -> str:
        """For migrations: the role that owns the database. Holds a password."""
        return self._listening.url(OWNER, self._password("owner"), DATABASE)

    @property
    def app_url(self) -> str:
        """For the application: a role without rights but what migrations grant. Holds a password."""
        return self._listening.url(APPLICATION, self._password("app"), DATABASE)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _password(self, whose: str) -> str:
        """The password in the folder, made when the folder is new. Safe in a URL and between quotes."""
        path = self._folder / f"{whose}-password"
        if path.exists():
            return path.read_text(encoding="ascii").strip()
        if self._data.exists():
            raise PostgresError(f"{path} is missing: restore it from a copy of the folder.")
        write_private(path, f"{secrets.token_urlsafe(32)}\n")
        return path.read_text(encoding="ascii").strip()

    def _launch(self, launcher: Launcher) -> None:
        """Start until it stays: the port may be taken meanwhile, and children of a killed server need a moment."""
        until = time.monotonic() + _RETRY_FOR_S
        while True:
            offset = self._log.size()
            self._process = self._spawn(launcher, self._listening.open())
            if self._wait_ready(self._process):
                return
            if time.monotonic() > until:
                raise PostgresNotStarted(self._why(offset))
            time.sleep(0.2)

    def _spawn(self, launcher: Launcher, listening: dict[str, str]) -> subprocess.Popen[bytes]:
        settings = [f"--{name}={value}" for name, value in {**_SETTINGS, **listening}.items()]
        log = self._log.open()
        try:
            return subprocess.Popen(
                launcher.command("postgres", self._data, *settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **launcher.options(self._data),
            )
        finally:
            os.close(log)

    def _wait_ready(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether the server came up; False when it ended by itself."""
        until = time.monotonic() + _READY_TIMEOUT_S
        while time.monotonic() < until:
            if process.poll() is not None:
                return False
            lines = pid_file_lines(self._data)
            if len(lines) >= 8 and lines[0] == str(process.pid) and lines[7].strip() == "ready":
                return True
            time.sleep(_LOOK_EVERY_S)
        raise PostgresNotStarted(f"PostgreSQL was not ready after {_READY_TIMEOUT_S:.0f} s; see {self._log.path}.")

    def _why(self, offset: int) -> str:
        said = "\n".join(self._log.lines_since(offset)) or "It said nothing."
        for whose in ("owner", "app"):
            said = said.replace(self._password(whose), "***")
        return f"PostgreSQL did not start. The end of {self._log.path}:\n{said}"
