"""What the driver raises, as errors of ours: by code and kind, never by text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ssl import SSLCertVerificationError

from clickhouse_connect.driver.exceptions import ClickHouseError as DriverError
from clickhouse_connect.driver.exceptions import Error as CodedError
from clickhouse_connect.driver.exceptions import InternalError, OperationalError

from projections.engine.causes import cause_of, chain
from projections.engine.damage import damage_of
from projections.errors import ClickHouseDamaged, ClickHouseError, ClickHouseRefused, ClickHouseUnavailable

# Server error codes after which the same statement may succeed later.
_RETRYABLE = frozenset(
    {
        159,  # TIMEOUT_EXCEEDED
        164,  # READONLY: from a replica that lost its coordinator
        202,  # TOO_MANY_SIMULTANEOUS_QUERIES
        209,  # SOCKET_TIMEOUT
        210,  # NETWORK_ERROR
        225,  # NO_ZOOKEEPER
        235,  # DUPLICATE_DATA_PART: from a replica that is repairing itself
        236,  # ABORTED: shutting down
        241,  # MEMORY_LIMIT_EXCEEDED
        242,  # TABLE_IS_READ_ONLY
        243,  # NOT_ENOUGH_SPACE
        244,  # UNEXPECTED_ZOOKEEPER_ERROR: from a replica whose session was renewed during the insert
        252,  # TOO_MANY_PARTS
        279,  # ALL_CONNECTION_TRIES_FAILED
        285,  # TOO_FEW_LIVE_REPLICAS
        286,  # UNFINISHED_QUORUM
        289,  # REPLICA_IS_NOT_IN_QUORUM: with sequential consistency, if this replica is behind
        319,  # UNKNOWN_STATUS_OF_INSERT: harmless to repeat, as every insert is
        341,  # UNFINISHED: the outcome of a statement on the cluster is no longer known
        394,  # QUERY_WAS_CANCELLED
        667,  # NOT_INITIALIZED: a replica that is starting
        733,  # TABLE_IS_BEING_RESTARTED
        745,  # SERVER_OVERLOADED
        999,  # KEEPER_EXCEPTION
    }
)


@contextmanager
def translated(dsn: str) -> Iterator[None]:
    """While a statement is made: what the driver raises of it is an error of ours."""
    try:
        yield
    except CodedError as exc:
        raise _translate(exc, dsn) from exc
    except DriverError as exc:
        raise ClickHouseRefused(f"The ClickHouse driver refused the call ({type(exc).__name__}).") from exc
    except OSError as exc:
        words = f"ClickHouse cannot be reached ({type(exc).__name__})."
        raise ClickHouseUnavailable(words, cause=cause_of(exc, dsn, None)) from exc


@contextmanager
def readable() -> Iterator[None]:
    """While an answer is read: what the driver makes of one that is broken is an error of nearly any kind."""
    try:
        yield
    except (DriverError, OSError, ClickHouseError) as exc:
        if isinstance(exc, InternalError) and exc.code is None:
            raise ClickHouseUnavailable(_BROKEN.format(type(exc).__name__)) from exc
        raise
    except Exception as exc:
        raise ClickHouseUnavailable(_BROKEN.format(type(exc).__name__)) from exc


_BROKEN = "ClickHouse's answer is broken ({})."
_NOT_TRUSTED = "ClickHouse's certificate is not trusted ({}): see KEYLEDGER_CLICKHOUSE_CA_FILE."


def _distrust(exc: BaseException | None) -> str | None:
    """What is wrong with the certificate, where that began it: the driver's HTTP client wraps it several times over."""
    return next((one.verify_message for one in chain(exc) if isinstance(one, SSLCertVerificationError)), None)


def _translate(exc: CodedError, dsn: str) -> ClickHouseError:
    cause = cause_of(exc, dsn, exc.code)
    if exc.code is None and isinstance(exc, OperationalError):
        distrust = _distrust(exc)
        return ClickHouseUnavailable(_NOT_TRUSTED.format(distrust) if distrust else None, cause=cause)
    kind = ClickHouseUnavailable if exc.code in _RETRYABLE else ClickHouseRefused
    damage = damage_of(dsn)
    if damage.note(exc.code):
        kind = ClickHouseDamaged
    elif damage.passes(exc.code):
        kind = ClickHouseUnavailable
    what = f"code {exc.code}" if exc.code is not None else type(exc).__name__
    words = f"{kind.__doc__} ({what}{f', {exc.name}' if exc.name else ''})"
    return kind(words, code=exc.code, name=exc.name, cause=cause)
