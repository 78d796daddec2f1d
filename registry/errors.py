"""What the write side can answer but success. Each class's docstring is its default message.

KeyledgerError         whatever ours: its text is in our own words, and quotes no value of a caller's
└── RegistryError
    ├── Refused              the request is at fault; nothing was appended
    │   ├── UnknownKey           404
    │   │   └── UnknownCredential
    │   ├── Conflict             409, not in this state
    │   │   └── VersionConflict      the stream has another version than the caller stated
    │   ├── Forbidden            403, a scope is missing
    │   ├── Unauthenticated      401
    │   └── FieldsRefused        422, each field with its reason
    ├── Busy                 503, try again; nothing was appended
    │   ├── ClockSteppedBack     the database's clock is behind the log's last event
    │   ├── AppendHookFailed         what belongs into the same transaction could not be written
    │   ├── NotYetAtGateway      the change is made; the gateway's table does not have it yet
    │   └── OutcomeUnknown       the connection broke in the commit: look before you retry
    ├── PoolerFound          the way to the database can't carry session locks and LISTEN
    └── LogBroken            the log itself can't be trusted; an operator must look
        ├── UndecodableEvent
        ├── ChainBroken
        └── LogChanged           what somebody keeps is not of this log: restored, failed over, or another one
"""

from __future__ import annotations

from dataclasses import dataclass


class KeyledgerError(Exception):
    """Something failed, and the message says what, in our own words."""


class RegistryError(KeyledgerError):
    """The registry failed."""

    def __init__(self, message: str | None = None, *, position: int | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        self.position = position  # head of the log when the refusal was decided, where it was read
        super().__init__(self.message)


class Refused(RegistryError):
    """The request was refused."""


class UnknownKey(Refused):
    """There is no such key."""


class UnknownCredential(UnknownKey):
    """The key has no such credential."""


class Conflict(Refused):
    """The key is not in a state that allows this."""


class VersionConflict(Conflict):
    """The stream has another version than expected."""

    def __init__(self, stream: str, expected: int, actual: int) -> None:
        self.stream, self.expected, self.actual = stream, expected, actual
        super().__init__(f"{stream} is at version {actual}, not {expected}")


class Forbidden(Refused):
    """The token does not have the scope for this."""


class Unauthenticated(Refused):
    """A good admin token is needed: Authorization: Bearer <admin token>."""


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field that was refused: its name as the caller wrote it, and why, in words."""

    field: str
    message: str


class FieldsRefused(Refused):
    """A field is wrong."""

    def __init__(self, *faults: FieldFault, position: int | None = None) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{fault.field} {fault.message}" for fault in faults), position=position)


class Busy(RegistryError):
    """The log is busy: try again."""

    retry_after_s = 1


class ClockSteppedBack(Busy):
    """The database's clock is behind the last event of the log: appends are refused until it has caught up."""


class AppendHookFailed(Busy):
    """What must be written together with a change could not be, so nothing was changed: the registry's log says why."""

    retry_after_s = 10


class NotYetAtGateway(Busy):
    """The change is made, and the gateway's table of keys does not have it yet: repeat the call to wait again."""


class OutcomeUnknown(Busy):
    """The connection broke while the change was committed: read the key before you try again."""


class PoolerFound(RegistryError):
    """A transaction pooler stands before PostgreSQL, and breaks session locks and LISTEN.

    Give `publish`, `project` and `serve` a URL that goes straight to the server; session pooling is fine.
    """


class LogBroken(RegistryError):
    """The log can't be read."""


class UndecodableEvent(LogBroken):
    """An event of the log does not decode."""


class ChainBroken(LogBroken):
    """The hashes of the log don't chain."""


class LogChanged(LogBroken):
    """What is kept is not of this log. `keeper` names what keeps it."""

    def __init__(self, position: int, keeper: str) -> None:
        super().__init__(
            f"{keeper} has position {position} of another log, or of this one before it lost its tail: "
            "nothing more is done until an operator has looked; docs/operate.md, Backup and restore"
        )
