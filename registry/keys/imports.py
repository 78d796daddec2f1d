"""Keys that a gateway had before this log: what is taken over, and what can't be. Pure.

Such a key counts from its own creation in the gateway, so that what it was used for before the import is billed by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from registry.errors import FieldFault, FieldsRefused
from registry.instant import cut_ms, format_ms
from registry.keys.details import KeyDetails
from registry.keys.events import IssuedCredential, KeyImported
from registry.log.event_log import NewEvent, StreamView


@dataclass(frozen=True, slots=True)
class ImportKey:
    """Take over a key, with instants in whole milliseconds.

    `disabled_at` is what the gateway has: any value means that it refuses the key, also one in the future.
    `source` names the gateway.
    """

    credential: IssuedCredential
    tags: Mapping[str, str]
    details: KeyDetails
    created_at: datetime
    expiration: datetime | None
    disabled_at: datetime | None
    source: str


def import_key(command: ImportKey, view: StreamView) -> Sequence[NewEvent]:
    """Decide an import; a key that is in the log already stays as it is. Raises FieldsRefused."""
    if view.version:
        return []
    if command.created_at > view.now:
        raise FieldsRefused(FieldFault("created_at", f"is in the future; it is {format_ms(view.now)} now"))
    event = KeyImported(
        public_id=command.credential.credential_id,
        details=command.details,
        tags=dict(command.tags),
        expiration=command.expiration,
        revoked_at=_revoked_at(command, view.now),
        credential=command.credential,
        source=command.source,
    )
    return [NewEvent(event, command.created_at)]


def _revoked_at(command: ImportKey, now: datetime) -> datetime | None:
    """When the key ended: within its life so far, whatever the gateway's clock and its operators wrote."""
    if command.disabled_at is None:
        return None
    return max(command.created_at, min(command.disabled_at, cut_ms(now)))
