"""Events that carry a key's details, as the log stores them: the details' members are at the top level. Pure.

A new field of `KeyDetails` appears in these shapes automatically.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from registry.keys.details import KeyDetails
from registry.keys.events import Event, IssuedCredential, KeyBegun, KeyCreated, KeyImported

_members = attrgetter(*KeyDetails.__struct_fields__)


class FlatKeyCreated(KeyDetails, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """KeyCreated as the log stores it."""

    public_id: str
    tags: dict[str, str]
    expiration: datetime | None
    credential: IssuedCredential

    def nested(self) -> KeyBegun:
        """The event."""
        return KeyCreated(self.public_id, self.tags, KeyDetails(*_members(self)), self.expiration, self.credential)


class FlatKeyImported(FlatKeyCreated, frozen=True, forbid_unknown_fields=True, kw_only=True, gc=False):
    """KeyImported as the log stores it."""

    revoked_at: datetime | None
    source: str

    def nested(self) -> KeyBegun:
        """The event."""
        details = KeyDetails(*_members(self))
        return KeyImported(
            self.public_id, self.tags, details, self.expiration, self.revoked_at, self.credential, self.source
        )


FLAT: Final[Mapping[type[Event], type[FlatKeyCreated]]] = {KeyCreated: FlatKeyCreated, KeyImported: FlatKeyImported}


def flatten(fields: dict[str, Any]) -> dict[str, Any]:
    """Move the members of an event's details to the top level."""
    details: dict[str, Any] | None = fields.pop("details", None)
    return fields if details is None else fields | details
