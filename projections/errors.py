"""Errors of the read side.

    ProjectionError
    ├── BadIdentifier            the name of a database or cluster is not a plain identifier
    ├── GatewayTablesMissing     the gateway writes elsewhere, or has not been started yet
    ├── FeedUnavailable          retry: the broker is down or overloaded, or the consumers rebalance
    ├── ClickHouseError          any failure of the engine or of the connection to it
    │   ├── ClickHouseUnavailable    retry: transport, overload, read-only replica, out of memory
    │   │   ├── ClickHouseNotSet         none is set: all but bills and what else is read there works
    │   │   └── ClickHouseDamaged        retry: a file can't be read; the embedded engine is mended meanwhile
    │   └── ClickHouseRefused        do not retry: wrong SQL, wrong types, missing table
    ├── SeveralStatements        a person's SQL is more than one statement
    ├── NotCollected             the usage journal can't be brought up to the gateway's tables now
    ├── RowsMissing              rows that were written to ClickHouse are not there: no bill is made until they are
    └── BillError
        ├── BadBillQuery         the query itself is wrong: unknown zone, too many names, since after until
        ├── UsageNotProved       what was known of usage can't be brought back: the journal was made again
        ├── TooManyLines         the result would be longer than the limit
        └── BillLimitReached     the statement takes too long or too much memory

Messages of ClickHouse errors carry only the engine's code and symbolic name: its text quotes SQL and values.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.errors import KeyledgerError


class ProjectionError(KeyledgerError):
    """Something on the read side failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class BadIdentifier(ProjectionError):
    """A name of a database or cluster must be letters, digits and underscores, 64 at most, and begin with no digit."""


class GatewayTablesMissing(ProjectionError):
    """ClickHouse does not have the gateway's tables."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"ClickHouse has no {', '.join(missing)}. The gateway makes them when it starts with "
            "TENSORZERO_CLICKHOUSE_URL; without that it writes to Postgres alone, which can't be billed. If they are "
            "in another database, name it with KEYLEDGER_GATEWAY_CLICKHOUSE_DATABASE; where no gateway runs, make "
            "them: keyledger ddl --gateway-tables"
        )


class FeedUnavailable(ProjectionError):
    """The broker can't be reached, or does not answer now."""

    @property
    def public(self) -> str:
        """See KeyledgerError: without the broker's address."""
        return type(self).__doc__ or ""


class ClickHouseError(ProjectionError):
    """ClickHouse did not do what it was asked."""

    def __init__(
        self,
        message: str | None = None,
        *,
        code: int | None = None,
        name: str | None = None,
        cause: str | None = None,
    ) -> None:
        words = message or type(self).__doc__ or ""
        super().__init__(words if cause is None else f"{words} {cause}")
        self.code = code
        self.name = name
        self._public = words

    @property
    def public(self) -> str:
        """See KeyledgerError: without the cause, which says where ClickHouse is."""
        return self._public


class ClickHouseUnavailable(ClickHouseError):
    """ClickHouse cannot be reached or is overloaded: the same call may succeed later."""


class ClickHouseNotSet(ClickHouseUnavailable):
    """This registry runs without ClickHouse, which bills need: set KEYLEDGER_CLICKHOUSE_URL."""


class ClickHouseDamaged(ClickHouseUnavailable):
    """ClickHouse can't read a file as it was written: see docs/operate.md, Damaged files."""


class ClickHouseRefused(ClickHouseError):
    """ClickHouse refused the statement: repeating it will not help."""


class SeveralStatements(ProjectionError):
    """There are several statements: give one at a time. Multi-statements are not allowed."""


class NotCollected(ProjectionError):
    """The collector of usage can't go on."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the rows are not in the usage journal yet, as its collector can't go on: {why}")


class RowsMissing(ProjectionError):
    """Rows that were written are missing in ClickHouse. `missing` says which, in words."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"No bill is made, because rows that were written are missing in ClickHouse: {'; '.join(missing)}. "
            "The ledger's own are written again from the log. For others, see docs/operate.md, Missing rows"
        )
        self.missing = tuple(missing)


class BillError(ProjectionError):
    """The bill cannot be made."""


class BadBillQuery(BillError):
    """The bill was asked for in a way that has no answer."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.detail = message


class UsageNotProved(BillError):
    """The usage that was known at a position was in another journal, and this one has none that equals it."""

    def __init__(self, position: int, day: str) -> None:
        super().__init__(
            f"The usage known at position {position} was anchored by an earlier usage journal, and {day} is the first "
            "day of which this journal never had the same sums and fingerprint: rows came, went or changed before it "
            "was collected again. Which rows were known then can't be brought back from the log. Ask without "
            "usage_known_at, or restore the earlier journal (ClickHouse's tables usage_…) from a backup"
        )
        self.day = day


class TooManyLines(BillError):
    """The bill has more lines than the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The bill has more than {limit} lines: group by less, or ask for a shorter period.")
        self.limit = limit


class BillLimitReached(BillError):
    """The bill took more time or memory than it may."""

    def __init__(self, what: str, variable: str) -> None:
        super().__init__(
            f"The bill was stopped: it took more than {what}. Ask for a shorter period or for fewer groups, or raise "
            f"{variable}"
        )
