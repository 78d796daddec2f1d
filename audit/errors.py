"""What an audit can fail with, besides the errors of what it reads (RegistryError, ProjectionError).

AuditError
├── BadBookmark          the bookmark is not one of these tools', or not of this log
├── BadArchive           the archive is not whole, was changed, or is none
├── NotEmpty             a log can be restored into an empty registry alone
├── RegistryInUse        other processes have the registry open that a log is to be restored into
├── SecretSwapped        the hash of a secret is not the one that its event commits to
├── TargetUnfit          the name of a new ledger or archive is taken by something else, or can't be one
├── ReplayRunning        another replay goes on
├── NotOwner             what is to be made anew belongs to another role of the database
└── UnknownInference     no row of the gateway has this id
"""

from __future__ import annotations

from registry.errors import KeyledgerError


class AuditError(KeyledgerError):
    """The audit failed."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class BadBookmark(AuditError):
    """The bookmark can't be gone on from: verify from the beginning, without it."""


class BadArchive(AuditError):
    """The archive can't be trusted."""


class NotEmpty(AuditError):
    """The registry has events: restore into an empty one."""


class RegistryInUse(AuditError):
    """Other processes have this registry open: stop `serve`, `project` and `publish`, and try again."""


class SecretSwapped(AuditError):
    """The hash of a secret is not the one that its event commits to: see `keyledger audit verify`."""


class TargetUnfit(AuditError):
    """The target can't take a ledger."""


class ReplayRunning(AuditError):
    """A replay goes on, here or in another process: one at a time."""


class UnknownInference(AuditError):
    """The gateway's tables have no inference with this id."""


class NotOwner(AuditError):
    """Current state is made anew as the owner of its tables: set KEYLEDGER_MIGRATION_DATABASE_URL."""
