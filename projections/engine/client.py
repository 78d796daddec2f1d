"""The only seam to ClickHouse: a server by URL or the embedded engine by `chdb:///path`, with the same four calls.

clickhouse-connect's clients are synchronous here (the embedded engine has no others) and not thread-safe, so each
thread of a small pool has its own client, opened at the thread's first call and closed by `close`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import Error as CodedError

from projections.engine.causes import cause_of
from projections.engine.damage import damage_of
from projections.engine.translation import readable, translated
from projections.engine.written import written_of
from projections.errors import ClickHouseNotSet, ClickHouseRefused, ClickHouseUnavailable

Row = tuple[Any, ...]
Rows = list[Row]
Settings = Mapping[str, str | int]
_T = TypeVar("_T")

_WRITE_COMPRESSION = "lz4"
_STOP: Final = "KILL QUERY WHERE Settings['log_comment'] = {mark:String} ASYNC"
_STOP_AGAIN_S: Final = 0.2
_UNDER_WAY: Final = """
SELECT sum(read_rows), sum(greatest(read_rows, total_rows_approx))
FROM system.processes
WHERE startsWith(Settings['log_comment'], {mark:String})
"""
_request: ContextVar[str] = ContextVar("_request", default="")

# Those that are registered, also when they are away, and those that the cluster should have, also when they were never
# made. The coordinator is asked; where it can't be, the server says 0.
_REPLICAS = """
SELECT
    total_replicas,
    (
        SELECT count()
        FROM system.clusters
        WHERE cluster = {cluster:String}
    )
FROM system.replicas
WHERE database = {database:String} AND table = {table:String}
"""


@dataclass(frozen=True, slots=True)
class RowsRead:
    """How far statements are: of about `of` rows that they read, so many."""

    rows: int
    of: int


@contextmanager
def for_request(request_id: str) -> Iterator[None]:
    """Stoppable statements in the block are of a request: their `log_comment` begins with keyledger-<request_id>."""
    token = _request.set(request_id)
    try:
        yield
    finally:
        _request.reset(token)


class ClickHouse:
    """Queries, commands and inserts against one server or one embedded engine. Safe for concurrent use.

    `threads` limits how many statements run at once. Opens nothing until the first call. Cancelling a call leaves its
    statement running in its thread, unless it is stoppable; every write here is harmless to repeat. `options` are
    further arguments for the driver's client, such as those for TLS. On a `cluster`, an insert returns when every
    replica of the table has the rows.
    """

    def __init__(
        self,
        dsn: str,
        *,
        threads: int = 4,
        options: Mapping[str, Any] | None = None,
        cluster: str | None = None,
    ) -> None:
        self._dsn = dsn
        self._options = dict(options or {})
        self._cluster = cluster
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="clickhouse")
        self._stopper = ThreadPoolExecutor(max_workers=2, thread_name_prefix="clickhouse-stop")
        self._queries: dict[str, Future[Any]] = {}
        self._stopping: set[str] = set()
        self._types: dict[tuple[str, ...], Any] = {}
        self._local = threading.local()
        self._clients: list[Any] = []
        self._lock = threading.Lock()
        self._written = written_of(dsn) if self.embedded else None
        self.damage = damage_of(dsn)

    @property
    def is_set(self) -> bool:
        """Whether there is a ClickHouse to ask."""
        return True

    @property
    def embedded(self) -> bool:
        """Whether this is the engine inside our own process."""
        return self._dsn.startswith("chdb:")

    @property
    def address(self) -> str:
        """The host and port, or the folder of the embedded engine; without any login."""
        parts = urlsplit(self._dsn)
        return parts.path if self.embedded else parts.netloc.rpartition("@")[2]

    def written(self, *tables: str) -> int | None:
        """A number that grows whenever `database.table` may have been written to; None where others write, too."""
        return None if self._written is None else self._written.times(*tables)

    async def query(
        self,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        *,
        stoppable: bool = False,
    ) -> Rows:
        """The rows of one SELECT. Parameters are bound (`{name:Type}`), not formatted; times are aware datetimes.

        If it is `stoppable`, cancelling the call stops the statement: for those that may take long.
        """
        bound, mark = _bound(parameters), f"keyledger-{_request.get()}-{uuid4().hex}" if stoppable else None
        marked = {**(settings or {}), **({} if mark is None else {"log_comment": mark})}

        def run(client: Any) -> Rows:
            with readable():
                result = client.query(sql, parameters=bound, settings=marked, tz_mode="aware")
                return [tuple(row) for row in result.result_rows]

        return await self._run(run, mark)

    async def rows_read(self, request_id: str) -> RowsRead | None:
        """How far the stoppable statements of a request are; None where this server runs none of them now."""
        [(rows, of)] = await self.query(_UNDER_WAY, {"mark": f"keyledger-{request_id}-"})
        return RowsRead(rows, of) if of else None

    async def table(self, sql: str) -> tuple[list[str], Rows]:
        """Column names and rows of one statement from an operator; a statement without rows returns its summary."""

        def run(client: Any) -> tuple[list[str], Rows]:
            with readable():
                result = client.query(sql, tz_mode="aware")
                rows = [tuple(row) for row in result.result_rows]
                # Of CHECK and its like the driver has no names.
                names = list(result.column_names) or [str(number + 1) for number in range(len(rows[0]) if rows else 0)]
                return names, rows

        return await self._write(run, statement=sql)

    async def raw(self, sql: str) -> bytes:
        """The result of one statement from an operator, in the FORMAT that it names."""

        def run(client: Any) -> bytes:
            with readable():
                return bytes(client.raw_query(sql))

        return await self._write(run, statement=sql)

    async def command(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> None:
        """Run one statement for its effect: DDL, INSERT … SELECT, SYSTEM. Repeatable if the statement is."""

        def run(client: Any) -> None:
            client.command(sql, parameters=_bound(parameters), settings=_settings(settings))

        await self._write(run, statement=sql)

    async def insert_select(
        self,
        table: str,
        sql: str,
        parameters: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Run one INSERT … SELECT into `database.table`; on a cluster, until every replica has the rows.

        What it has written when it fails is not known.
        """

        def run(client: Any) -> None:
            quorum = {"insert_quorum": _replicas(client, table, self._cluster)} if self._cluster else {}
            given = {**quorum, **(settings or {})}
            # The embedded engine's driver sets each setting, and sets it back, by a statement of its own.
            ending = f"\nSETTINGS {_listed(given)}" if given and self.embedded else ""
            of_driver = _settings({} if ending else given)
            client.command(sql + ending, parameters=_bound(parameters), settings=of_driver)

        await self._write(run, table=table)

    async def insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Insert rows into `database.table` as one block. Does nothing if there are no rows.

        Writes nothing if it fails, except on a cluster: there some replicas may have the block, and keep it.
        """
        if not rows:
            return

        def run(client: Any) -> None:
            settings = {"insert_quorum": _replicas(client, table, self._cluster)} if self._cluster else None
            types = self._column_types(client, table, columns)
            # The driver's insert context refers to itself and to the rows until garbage collection, which is rare in a
            # process that does little but project. So it gets its own list, which is emptied afterwards.
            held = list(rows)
            try:
                client.insert(table, held, column_names=list(columns), column_types=types, settings=settings)
            except Exception:
                self._types.pop((table, *columns), None)  # the table may have changed: the next insert asks again
                raise
            finally:
                held.clear()

        await self._write(run, table=table)

    async def close(self) -> None:
        """Stop running queries, wait for other statements, then close every client.

        May be called twice; make no call after it.
        """
        for mark, running in list(self._queries.items()):
            self._stop(mark, running)
        await asyncio.to_thread(self._pool.shutdown, wait=True)
        await asyncio.to_thread(self._stopper.shutdown, wait=True)
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    async def _write(self, call: Callable[[Any], _T], *, table: str = "", statement: str = "") -> _T:
        """Run a call that may write into a table, or where its statement says, and count that when it is done."""

        def counted(client: Any) -> _T:
            try:
                return call(client)
            finally:
                if self._written is not None:
                    if table:
                        self._written.add(table)
                    else:
                        self._written.add_statement(statement)

        return await self._run(counted)

    async def _run(self, call: Callable[[Any], _T], mark: str | None = None) -> _T:
        """Run the call in a thread. With a `mark`, which its statement bears, that is stopped when we are cancelled."""

        def in_thread() -> _T:
            with translated(self._dsn):
                with readable():
                    client = self._client()
                try:
                    return call(client)
                finally:
                    if mark in self._stopping:
                        self._forget_client()  # what it reads next may be the rest of this answer

        running = self._pool.submit(in_thread)
        if mark is not None:
            self._queries[mark] = running
            running.add_done_callback(lambda _: self._queries.pop(mark, None))
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            if mark is not None:
                self._stop(mark, running)
            raise

    def _stop(self, mark: str, running: Future[Any]) -> None:
        """Stop the statement that bears the mark, now or as soon as it has begun."""

        def stop() -> None:
            self._stopping.add(mark)
            while not running.cancel() and not running.done():
                with suppress(DriverError, OSError):
                    self._client().command(_STOP, parameters={"mark": mark})
                wait([running], timeout=_STOP_AGAIN_S)
            self._stopping.discard(mark)

        if not running.done():
            with suppress(RuntimeError):  # it is closed, and so has stopped everything
                self._stopper.submit(stop)

    def _column_types(self, client: Any, table: str, columns: Sequence[str]) -> Any:
        """The types of a table's columns, asked for once: the driver itself would ask at every insert.

        Of a type that changes since, the server makes the new one or refuses; a new column gets its default.
        """
        if (types := self._types.get((table, *columns))) is None:
            with readable():
                types = client.create_insert_context(table, list(columns)).column_types
            self._types[(table, *columns)] = types
        return types

    def _client(self) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            client = self._opened()
            if not self.embedded:
                client.write_compression = _WRITE_COMPRESSION
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _opened(self) -> Any:
        try:
            return clickhouse_connect.get_client(dsn=self._dsn, **self._server_options(), **self._options)
        except CodedError as exc:
            if not self.embedded:
                raise
            words = "The embedded ClickHouse engine can't be opened."
            raise ClickHouseUnavailable(words, cause=cause_of(exc, self._dsn, None)) from exc

    def _forget_client(self) -> None:
        """Close this thread's client; its next call opens another one."""
        client, self._local.client = self._local.client, None
        with self._lock:
            self._clients.remove(client)
        client.close()

    def _server_options(self) -> dict[str, Any]:
        if self.embedded:
            return {}
        # The driver looks at the port, not at the URL's scheme: https on a port other than 8443 would be sent in plain
        # text.
        interface = self._dsn.partition(":")[0]
        # No sessions: a session admits one statement at a time, and nothing here needs one. No compressed answers: the
        # driver does not look for the end of a compressed frame, so one that breaks off would be a shorter result.
        return {"interface": interface, "autogenerate_session_id": False, "compress": False}


class NoClickHouse(ClickHouse):
    """Stands where none is set: every call raises ClickHouseNotSet."""

    def __init__(self) -> None:
        super().__init__("", threads=1)

    @property
    def is_set(self) -> bool:
        """See ClickHouse."""
        return False

    async def _run(self, call: Callable[[Any], _T], mark: str | None = None) -> _T:  # noqa: ARG002 - as ClickHouse's
        raise ClickHouseNotSet


def _replicas(client: Any, table: str, cluster: str) -> int:
    """The number of replicas that `database.table` has or should have; looked up at each insert, as it can change."""
    database, _, name = table.partition(".")
    parameters = {"database": database, "table": name, "cluster": cluster}
    found = client.query(_REPLICAS, parameters=parameters).result_rows
    if not found:
        raise ClickHouseRefused(
            f"{table} is not replicated: it was created without KEYLEDGER_CLICKHOUSE_CLUSTER. "
            "Rebuild ClickHouse with it: see docs/operate.md"
        )
    registered, named = found[0]
    if registered == 0:
        raise ClickHouseUnavailable
    return int(max(registered, named))


def _bound(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(parameters) if parameters else None


def _listed(settings: Settings) -> str:
    return ", ".join(f"{name} = {value!r}" for name, value in settings.items())


def _settings(settings: Settings | None) -> dict[str, Any] | None:
    return dict(settings) if settings else None
