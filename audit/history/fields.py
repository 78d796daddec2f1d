"""A key as flat fields, each of one value: what history and diff compare. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from msgspec import structs

from registry.instant import format_ms
from registry.keys.state import CredentialState, KeyState

Value = str | datetime | tuple[str, ...] | None

ACTIVE: Final = "active"
STATUS: Final = "status"


def fields_of(key: KeyState, at: datetime) -> dict[str, Value]:
    """The fields of a key that have a value, its tags and status at an instant."""
    named: dict[str, Value] = {
        **{f"tags.{name}": value for name, value in key.tags(at).items()},
        **structs.asdict(key.details),
        "expiration": key.expiration,
        **{f"credentials.{one.credential_id}": credential(one) for one in key.credentials},
        STATUS: key.status(at),
    }
    return {name: value for name, value in named.items() if value is not None}


def credential(one: CredentialState) -> str:
    """What is to be said of a credential in a word or two."""
    if one.revoked_at is not None:
        return "revoked"
    return ACTIVE if one.expires_at is None else until(one.expires_at)


def until(end: datetime) -> str:
    """What is to be said of a credential that ends by itself."""
    return f"{ACTIVE} until {format_ms(end)}"
