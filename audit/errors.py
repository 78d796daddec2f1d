"""The errors of an audit, besides those of what it reads (RegistryError, ProjectionError).

AuditError
├── BadBookmark          the bookmark is not from these tools, or not of this log
├── BadArchive           the archive is incomplete, was changed, or is not an archive
├── NotEmpty             a log can be restored only into an empty registry
├── RegistryInUse        other processes have the registry open into which a log is to be restored
├── SecretSwapped        the hash of a secret is not the one that its event commits to
├── TargetUnfit          the name of a new ledger or archive is taken by something else, or is not valid
├── ReplayRunning        another replay is running
├── NotOwner             what is to be rebuilt belongs to another role of the database
└── UnknownInference     no row of the gateway has this id
"""

from __future__ import annotations

from registry.errors import KeyledgerError


class AuditError(KeyledgerError):
    """The audit failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class BadBookmark(AuditError):
    """The bookmark can't be used to resume: verify from the start, without it."""


class BadArchive(AuditError):
    """The archive can't be trusted."""


class NotEmpty(AuditError):
    """The registry has events: restore into an empty one."""


class RegistryInUse(AuditError):
    """Other processes have this registry open: stop `serve`, `project` and `publish`, then retry."""


class SecretSwapped(AuditError):
    """The hash of a secret is not the one that its event commits to: see `keyledger audit verify`."""


class TargetUnfit(AuditError):
    """The target can't take a ledger."""


class ReplayRunning(AuditError):
    """A replay is running, here or in another process: only one can run at a time."""


class UnknownInference(AuditError):
    """The gateway's tables have no inference with this id."""


class NotOwner(AuditError):
    """Only the owner of the tables can rebuild current state: set KEYLEDGER_MIGRATION_DATABASE_URL."""
