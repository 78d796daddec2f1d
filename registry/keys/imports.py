"""Keys that a gateway had before this log: what can be imported and what can't. Pure.

Such a key takes effect at its own creation in the gateway, so that its use before the import is billed to it.
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
    """Import a key, with times in whole milliseconds.

    `disabled_at` is the gateway's value: any value, even in the future, means that the gateway refuses the key.
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
    """Decide an import. A key that is already in the log does not change. Raises FieldsRefused."""
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
    """When the key ended, limited to its life so far, whatever the gateway's clock and operators wrote."""
    if command.disabled_at is None:
        return None
    return max(command.created_at, min(command.disabled_at, cut_ms(now)))
