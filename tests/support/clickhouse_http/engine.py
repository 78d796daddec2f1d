"""The engine in this process: connections, each with one statement at a time, and what a statement leaves on them.

On engines where connections see each other's settings there is one connection, and no sessions.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import chdb

from tests.support.clickhouse_http.errors import ServerError, of_engine

_MOST = 16
_ABOUT = "SELECT version(), timezone(), hostName(), getSetting('enable_http_compression')"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement gave."""

    data: bytes
    rows_read: int
    bytes_read: int
    rows_written: int
    elapsed_s: float


@dataclass(slots=True)
class Connection:
    """One connection of the engine, and what earlier statements left set on it."""

    raw: Any
    settings: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    database: bool = False
    spoilt: bool = False

    def run(self, statement: str, format_: str, prologue: list[str]) -> Answer:
        """Run the statement after those of the prologue. Raises ServerError."""
        try:
            result = self.raw.query(";\n".join([*prologue, statement]), format_)
        except RuntimeError as error:
            self._settle()
            raise of_engine(error) from error
        written = getattr(result, "rows_written", lambda: 0)()
        return Answer(result.bytes() or b"", result.rows_read(), result.bytes_read(), written, result.elapsed())

    def _settle(self) -> None:
        """After a failure, undo one by one what may have been set: some of it perhaps never was, or can't be."""
        for statement in self.reset():
            with suppress(RuntimeError):
                self.raw.query(statement)

    def reset(self) -> list[str]:
        """The statements that undo what settings and database an earlier request had: a part of the next prologue."""
        undone = [f"SET {name} = DEFAULT" for name in sorted(self.settings)]
        undone += ["USE default"] if self.database else []
        self.settings.clear()
        self.database = False
        return undone


class Engine:
    """The data of one folder, which this process alone may have open."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._free: list[Connection] = []
        self._sessions: dict[str, tuple[threading.Lock, Connection]] = {}
        self._lock = threading.Lock()
        self.shared = self._is_shared()
        self._places = threading.BoundedSemaphore(1 if self.shared else _MOST)
        first = self._open()
        answer = first.run(_ABOUT, "TSV", [])
        self.version, self.time_zone, self.host_name, compresses = answer.data.decode().split()
        self.compresses = compresses in {"1", "true"}
        self._free.append(first)

    @contextmanager
    def connection(self, needed: frozenset[str], session_id: str | None, *, existing: bool) -> Iterator[Connection]:
        """A connection for one request, on which no parameter of the names needed is set by an earlier one.

        A session has one of its own. Raises ServerError when it is busy, or is not there but must be.
        """
        if session_id is not None:
            with self._session(session_id, existing=existing) as connection:
                yield connection
            return
        with self._places:
            connection = self._taken(needed)
            try:
                yield connection
            finally:
                if connection.spoilt:
                    connection.raw.close()
                else:
                    with self._lock:
                        self._free.append(connection)

    def _taken(self, needed: frozenset[str]) -> Connection:
        with self._lock:
            for connection in self._free:
                if not connection.parameters & needed:
                    self._free.remove(connection)
                    return connection
            if self.shared:
                while self._free:
                    self._free.pop().raw.close()
        return self._open()

    @contextmanager
    def _session(self, session_id: str, *, existing: bool) -> Iterator[Connection]:
        if self.shared:
            raise ServerError(48, "This engine has no sessions (NOT_IMPLEMENTED)")
        with self._lock:
            if session_id not in self._sessions:
                if existing:
                    raise ServerError(372, f"Session {session_id} not found (SESSION_NOT_FOUND)")
                self._sessions[session_id] = (threading.Lock(), self._open())
            lock, connection = self._sessions[session_id]
        if not lock.acquire(blocking=False):
            raise ServerError(373, f"Session {session_id} is locked by a concurrent client (SESSION_IS_LOCKED)")
        try:
            yield connection
        finally:
            lock.release()

    def _open(self) -> Connection:
        return Connection(chdb.connect(self._folder))  # type: ignore[no-untyped-call]

    def _is_shared(self) -> bool:
        """Whether a setting of one connection is seen by another. The first to close then closes both."""
        first, other = self._open(), self._open()
        first.run("SET max_block_size = 12345", "TSV", [])
        seen = other.run("SELECT getSetting('max_block_size')", "TSV", []).data
        other.raw.close()
        first.raw.close()
        return seen == b"12345\n"
