"""Every way in which the write side can fail. Each class's docstring is its default message.

KeyledgerError         any error of ours: the message is in our own words and quotes no value from a caller
└── RegistryError
    ├── Refused              the request is at fault; nothing was appended
    │   ├── UnknownKey           404
    │   │   ├── UnknownCredential
    │   │   ├── UnknownChange
    │   │   ├── UnknownPrice
    │   │   ├── UnknownToken
    │   │   ├── UnknownWebhook
    │   │   └── UnknownDelivery
    │   ├── Conflict             409, not allowed in the key's state
    │   ├── VersionConflict      412, the stream is not at a version that the caller stated
    │   ├── Forbidden            403, a scope is missing
    │   ├── Unauthenticated      401
    │   └── FieldsRefused        422, each field with its reason
    ├── AlreadyAnswered      409, a request under this idempotency key has an answer already
    ├── TooManyOfOne         429, this caller alone has too much under way; retry
    │   └── TooManyAttempts      429, this address tried too many tokens that are none
    ├── Busy                 503, retry; nothing was appended
    │   ├── ClockSteppedBack     the database's clock is behind the log's last event
    │   ├── ClockAhead           the database's clock is ahead of what this process knows
    │   ├── DatabaseAway         the database can't be used; the message says where it is and what the server said
    │   ├── BrokerAway           the same of Kafka
    │   ├── AppendHookFailed     a write that belongs in the same transaction failed
    │   ├── NotYetAtGateway      the change is made, but has not reached the gateway's table yet
    │   └── OutcomeUnknown       the connection broke while it was written: check before you retry
    ├── SchemaTooNew         a later version of Keyledger migrated the database
    ├── PoolerFound          session locks and LISTEN don't work over this connection to the database
    └── LogBroken            the log itself can't be trusted; an operator must look
        ├── NotMigrated          the database holds no log that this version can read
        ├── UndecodableEvent
        ├── ChainBroken
        └── LogChanged           a stored position is not of this log: restored, failed over, or another log
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta


class KeyledgerError(Exception):
    """Something failed. The message says what, in our own words."""

    @property
    def public(self) -> str:
        """The words for callers of the API: where the message names hosts and users, they don't."""
        return str(self)


class RegistryError(KeyledgerError):
    """The registry failed."""

    def __init__(self, message: str | None = None, *, position: int | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.position = position  # head of the log when the refusal was decided, if it was read
        super().__init__(self.message)


class Refused(RegistryError):
    """The request was refused."""


class UnknownKey(Refused):
    """There is no such key."""


class UnknownCredential(UnknownKey):
    """The key has no such credential."""


class UnknownChange(UnknownKey):
    """The key has no such scheduled change."""


class UnknownPrice(UnknownKey):
    """There is no such price."""


class UnknownToken(UnknownKey):
    """There is no such admin token."""


class UnknownWebhook(UnknownKey):
    """There is no such webhook."""


class UnknownDelivery(UnknownKey):
    """The webhook has no delivery of this position, or has it no longer."""


class Conflict(Refused):
    """The key is not in a state that allows this."""


class VersionConflict(Refused):
    """The stream has another version than expected."""

    def __init__(self, stream: str, expected: frozenset[int], actual: int) -> None:
        self.stream, self.expected, self.actual = stream, expected, actual
        wanted = " or ".join(map(str, sorted(expected)[:10])) or "one that it can have"
        super().__init__(f"{stream} is at version {actual}, not {wanted}: read it again")


class Forbidden(Refused):
    """The token does not have the scope for this."""


class Unauthenticated(Refused):
    """A good admin token is needed: Authorization: Bearer <admin token>."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One refused field: its name as the caller wrote it, and the reason in words."""

    field: str
    message: str


class FieldsRefused(Refused):
    """A field is wrong."""

    def __init__(self, *faults: FieldFault, position: int | None = None) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in faults), position=position)


class AlreadyAnswered(RegistryError):
    """A request under this idempotency key has an answer already: repeat it to get that."""


class TooManyOfOne(RegistryError):
    """This token has too many requests under way: wait until one is answered."""

    retry_after_s = 1


class TooManyAttempts(TooManyOfOne):
    """This address tried too many tokens that are none."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__("This address tried too many admin tokens that are none: wait before the next.")
        self.retry_after_s = retry_after_s


class Busy(RegistryError):
    """The log is busy: try again."""

    retry_after_s = 1


class DatabaseAway(Busy):
    """The database can't be used now."""

    @property
    def public(self) -> str:
        """See KeyledgerError."""
        return "The log's database can't be used now: try again. The registry's log says why."


class BrokerAway(Busy):
    """Kafka can't be used now."""

    @property
    def public(self) -> str:
        """See KeyledgerError."""
        return "Kafka can't be used now: try again. The registry's log says why."


class ClockSteppedBack(Busy):
    """The database's clock is behind the last event of the log."""

    def __init__(self, by: timedelta) -> None:
        super().__init__(
            f"The database's clock is {by.total_seconds():.0f} s behind the last event of the log: until it has caught "
            "up, only what stops a key, a credential or a token is recorded. See docs/operate.md, Clocks"
        )
        self.retry_after_s = max(1, min(3600, math.ceil(by.total_seconds())))


class ClockAhead(Busy):
    """The database's clock is ahead of this process's, or has jumped since the last append."""

    retry_after_s = 10

    def __init__(self, by: timedelta) -> None:
        super().__init__(
            f"The database's clock is {by.total_seconds():.0f} s ahead of this process's clock, or has jumped by that "
            "since the last change: until it is right, only what stops a key, a credential or a token is recorded. See "
            "docs/operate.md, Clocks"
        )


class AppendHookFailed(Busy):
    """What must be written together with a change could not be, so nothing was changed: the registry's log says why."""

    retry_after_s = 10


class NotYetAtGateway(Busy):
    """The change is made, and the gateway's table of keys does not have it yet: repeat the call to wait again."""


class OutcomeUnknown(Busy):
    """The connection broke while the change was written: read the key before you try again."""


class SchemaTooNew(RegistryError):
    """A later version of Keyledger migrated the database."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"The log's database has schema version {found}, and this version of Keyledger knows none after {known}: "
            "use the version that migrated it, or a later one. Nothing was changed. To go back all the same, restore a "
            "backup from before the upgrade; see docs/operate.md, Upgrade"
        )


class PoolerFound(RegistryError):
    """A transaction pooler in front of PostgreSQL breaks session locks and LISTEN.

    Give `publish`, `project` and `serve` a URL that goes straight to the server; session pooling is fine.
    """


class LogBroken(RegistryError):
    """The log can't be read."""


class NotMigrated(LogBroken):
    """The database holds no log that this version can read."""

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} holds no log that this version can read: run `keyledger migrate`")

    @property
    def public(self) -> str:
        """See KeyledgerError."""
        return "The registry's database holds no log that it can read."


class UndecodableEvent(LogBroken):
    """An event of the log does not decode."""


class ChainBroken(LogBroken):
    """The hashes of the log don't chain."""


class LogChanged(LogBroken):
    """A stored position is not of this log. `keeper` names what stored it."""

    def __init__(self, position: int, keeper: str) -> None:
        super().__init__(
            f"{keeper} is at position {position} of another log, or of this log before it lost its tail. "
            "It stops until an operator has looked: see docs/operate.md, Backup and restore"
        )
