"""The one seam to ClickHouse: a server by URL or the embedded engine by `chdb:///path`, behind the same four calls.

clickhouse-connect's clients are synchronous here (the embedded engine has no other kind) and not for two threads, so a
small pool of threads has one client each, opened at the thread's first call and closed by `close`.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from ssl import SSLCertVerificationError
from typing import Any, TypeVar

import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import Error as CodedError
from clickhouse_connect.driver.exceptions import InternalError, OperationalError

from projections.errors import ClickHouseError, ClickHouseRefused, ClickHouseUnavailable

Row = tuple[Any, ...]
Rows = list[Row]
Settings = Mapping[str, str | int]
_T = TypeVar("_T")

# Server error codes after which the same statement may succeed later.
_RETRYABLE = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY: a replica that lost its coordinator answers so
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        235,  # DUPLICATE_DATA_PART: a replica that mends itself answers so
        236,  # ABORTED: shutting down
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        244,  # UNEXPECTED_ZOOKEEPER_ERROR: a replica whose session was renewed during the insert answers so
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE: where the login's profile has inserts wait for each other
        289,  # REPLICA_IS_NOT_IN_QUORUM: where it has sequential consistency, and this replica is behind
        319,  # UNKNOWN_STATUS_OF_INSERT: harmless to repeat, as every insert is
        341,  # UNFINISHED: what became of a statement on the cluster can't be told any more
        394,  # QUERY_WAS_CANCELLED
        667,  # NOT_INITIALIZED: a replica that starts
        733,  # TABLE_IS_BEING_RESTARTED
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)

_WRITE_COMPRESSION = "lz4"

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


class ClickHouse:
    """Queries, commands and inserts against one server or one embedded engine. Safe for concurrent use.

    `threads` bounds how many statements run at once. Nothing is opened until the first call. Cancelling a call leaves
    its statement running in its thread: every write here is harmless to repeat. `options` are further arguments of the
    driver's client, as those of TLS. On a `cluster`, rows are inserted when every replica of their table has them.
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
        self._local = threading.local()
        self._clients: list[Any] = []
        self._lock = threading.Lock()

    @property
    def embedded(self) -> bool:
        """Whether this is the engine inside our own process."""
        return self._dsn.startswith("chdb:")

    async def query(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> Rows:
        """The rows that one SELECT gives. Parameters are bound (`{name:Type}`), not formatted; instants come aware."""

        bound = _bound(parameters)

        def run(client: Any) -> Rows:
            with _readable():
                result = client.query(sql, parameters=bound, settings=_settings(settings), tz_mode="aware")
                return [tuple(row) for row in result.result_rows]

        return await self._run(run)

    async def table(self, sql: str) -> tuple[list[str], Rows]:
        """The column names and rows of one statement of an operator's; a statement without rows gives its summary."""

        def run(client: Any) -> tuple[list[str], Rows]:
            with _readable():
                result = client.query(sql, tz_mode="aware")
                return list(result.column_names), [tuple(row) for row in result.result_rows]

        return await self._run(run)

    async def command(
        self, sql: str, parameters: Mapping[str, Any] | None = None, settings: Settings | None = None
    ) -> None:
        """Run one statement for its effect: DDL, INSERT … SELECT, SYSTEM. May be repeated when the statement may."""

        def run(client: Any) -> None:
            client.command(sql, parameters=_bound(parameters), settings=_settings(settings))

        await self._run(run)

    async def insert(self, table: str, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Insert rows into `database.table` as one block. No rows, no call.

        Nothing is written when it fails; but on a cluster the block may be on some replicas then, and stay there.
        """
        if not rows:
            return

        def run(client: Any) -> None:
            settings = {"insert_quorum": _replicas(client, table, self._cluster)} if self._cluster else None
            # What the driver makes of an insert refers to itself, and to the rows, until garbage is collected: seldom,
            # in a process that does little but project. So it gets a list of its own, emptied afterwards.
            held = list(rows)
            try:
                client.insert(table, held, column_names=list(columns), settings=settings)
            finally:
                held.clear()

        await self._run(run)

    async def close(self) -> None:
        """Wait for running statements, then close every client. May be called twice; no call may follow."""
        await asyncio.to_thread(self._pool.shutdown, wait=True)
        with self._lock:
            clients, self._clients = self._clients, []
        for client in clients:
            client.close()

    async def _run(self, call: Callable[[Any], _T]) -> _T:
        def in_thread() -> _T:
            with _translated():
                with _readable():
                    client = self._client()
                return call(client)

        return await asyncio.get_running_loop().run_in_executor(self._pool, in_thread)

    def _client(self) -> Any:
        client = getattr(self._local, "client", None)
        if client is None:
            client = clickhouse_connect.get_client(dsn=self._dsn, **self._server_options(), **self._options)
            if not self.embedded:
                client.write_compression = _WRITE_COMPRESSION
            self._local.client = client
            with self._lock:
                self._clients.append(client)
        return client

    def _server_options(self) -> dict[str, Any]:
        if self.embedded:
            return {}
        # The driver goes by the port, not by the URL's scheme: https at another than 8443 would be sent in the clear.
        interface = self._dsn.partition(":")[0]
        # No sessions: a session admits one statement at a time, and nothing here needs one. No compressed answers: the
        # driver does not look for the end of a compressed frame, so one that breaks off would be a shorter result.
        return {"interface": interface, "autogenerate_session_id": False, "compress": False}


def _replicas(client: Any, table: str, cluster: str) -> int:
    """How many replicas `database.table` has or should have: looked up for each insert, as any may be one too late."""
    database, _, name = table.partition(".")
    parameters = {"database": database, "table": name, "cluster": cluster}
    found = client.query(_REPLICAS, parameters=parameters).result_rows
    if not found:
        raise ClickHouseRefused(
            f"{table} is not replicated: it was made without KEYLEDGER_CLICKHOUSE_CLUSTER. "
            "Make ClickHouse anew with it: see docs/operate.md"
        )
    registered, named = found[0]
    if registered == 0:
        raise ClickHouseUnavailable
    return int(max(registered, named))


def _bound(parameters: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return dict(parameters) if parameters else None


def _settings(settings: Settings | None) -> dict[str, Any] | None:
    return dict(settings) if settings else None


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except CodedError as exc:
        raise _translate(exc) from exc
    except DriverError as exc:
        raise ClickHouseRefused(f"The ClickHouse driver refused the call ({type(exc).__name__}).") from exc
    except OSError as exc:
        raise ClickHouseUnavailable(f"ClickHouse cannot be reached ({type(exc).__name__}).") from exc


@contextmanager
def _readable() -> Iterator[None]:
    """While an answer is read: what the driver makes of one that is broken is an error of nearly any kind."""
    try:
        yield
    except (DriverError, OSError) as exc:
        if isinstance(exc, InternalError) and exc.code is None:
            raise ClickHouseUnavailable(_BROKEN.format(type(exc).__name__)) from exc
        raise
    except Exception as exc:
        raise ClickHouseUnavailable(_BROKEN.format(type(exc).__name__)) from exc


_BROKEN = "ClickHouse's answer is broken ({})."
_NOT_TRUSTED = "ClickHouse's certificate is not trusted ({}): see KEYLEDGER_CLICKHOUSE_CA_FILE."


def _distrust(exc: BaseException | None) -> str | None:
    """What is wrong with the certificate, where that began it: the driver's HTTP client wraps it several times over."""
    while exc is not None and not isinstance(exc, SSLCertVerificationError):
        # Of some errors, `reason` is the one inside; of others, as those of TLS, it is a text.
        reason = getattr(exc, "reason", None)
        exc = exc.__cause__ or (reason if isinstance(reason, BaseException) else None) or exc.__context__
    return None if exc is None else exc.verify_message


def _translate(exc: CodedError) -> ClickHouseError:
    if exc.code is None and isinstance(exc, OperationalError):
        distrust = _distrust(exc)
        return ClickHouseUnavailable(_NOT_TRUSTED.format(distrust) if distrust else None)
    kind = ClickHouseUnavailable if exc.code in _RETRYABLE else ClickHouseRefused
    what = f"code {exc.code}" if exc.code is not None else type(exc).__name__
    return kind(f"{kind.__doc__} ({what}{f', {exc.name}' if exc.name else ''})", code=exc.code, name=exc.name)
