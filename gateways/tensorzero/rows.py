"""A key as rows of the gateway's table, one per credential. Pure.

The gateway knows only credentials, not keys: each one ends at its own end or its key's, whichever comes first. To the
gateway any `disabled_at` means disabled, even one in the future; `expires_at` is the first instant that is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from registry.instant import EPOCH, cut_ms
from registry.keys.state import CredentialState, KeyState


@dataclass(frozen=True, slots=True)
class GatewayRow:
    """One credential as stored in the gateway, without the columns that belong to the gateway (`id`, `updated_at`).

    `hash` is None if the registry has none (restored from an archive without hashes). Then the key can't be given
    access, but an existing row can still be ended.
    """

    public_id: str
    organization: str
    workspace: str
    description: str | None
    hash: str | None
    created_at: datetime
    disabled_at: datetime | None
    expires_at: datetime | None

    def __repr__(self) -> str:
        """The id only, never the hash."""
        return f"GatewayRow({self.public_id})"


def rows_of(key: KeyState, hashes: Mapping[str, str | None]) -> list[GatewayRow]:
    """The rows of a key's credentials; `hashes` is by credential id."""
    return [_row(key, one, hashes.get(one.credential_id)) for one in key.credentials]


def _row(key: KeyState, credential: CredentialState, hash_: str | None) -> GatewayRow:
    return GatewayRow(
        public_id=credential.credential_id,
        organization=key.details.organization,
        workspace=key.details.workspace,
        description=key.details.description,
        hash=hash_,
        created_at=_fit(credential.created_at),
        disabled_at=_first(key.revoked_at, credential.revoked_at, key.suspended_at),
        expires_at=_first(key.expiration, credential.expires_at),
    )


def _first(*instants: datetime | None) -> datetime | None:
    return min((_fit(one) for one in instants if one is not None), default=None)


def _fit(instant: datetime) -> datetime:
    """The time in a form that the gateway can read.

    The driver writes the first and the last possible time as infinities, which crash the gateway's decoder. A whole
    millisecond from 1970 on is neither.
    """
    return max(EPOCH, cut_ms(instant))


def columns(rows: Sequence[GatewayRow]) -> list[list[object]]:
    """The rows as the arrays that `sql/key_table/differing.sql` takes, one per field, in their order."""
    return [[getattr(row, one.name) for row in rows] for one in fields(GatewayRow)]
