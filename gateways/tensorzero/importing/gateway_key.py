"""A key as stored in the gateway's table, and whether it can be imported. Pure.

Faults name the column; no message quotes a value, and nothing ever shows the hash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from registry.errors import FieldFault
from registry.instant import cut_ms, format_ms, from_us, to_us
from registry.keys.details import FAULTS, KeyDetails
from registry.keys.events import IssuedCredential
from registry.keys.imports import ImportKey
from registry.keys.secrets import PUBLIC_ID
from registry.log import chain

SOURCE: Final = "tensorzero"
_HASH: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_LAST_US: Final = 253_402_300_800_000_000  # the start of the year 10000


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """A row. Times are microseconds since 1970, including those that no datetime can hold."""

    public_id: str
    details: KeyDetails
    hash: str = field(repr=False)
    created_us: int
    disabled_us: int | None
    expires_us: int | None


def faults(row: GatewayKey, now: datetime) -> list[FieldFault]:
    """Why a row can't be imported, column by column; empty if it can."""
    return [FieldFault(name, message) for name, message in _faults(row, to_us(now))]


def is_end_moved(row: GatewayKey, now: datetime) -> bool:
    """Whether the key ends here at another time than in the gateway: see ImportKey."""
    return row.disabled_us is not None and not row.created_us <= row.disabled_us <= to_us(now)


def command(row: GatewayKey, tags: Mapping[str, str]) -> ImportKey:
    """The import command for a row without faults."""
    return ImportKey(
        credential=IssuedCredential(row.public_id, chain.commitment(row.hash)),
        details=row.details,
        tags=tags,
        created_at=cut_ms(from_us(row.created_us)),
        expiration=_instant(row.expires_us),
        disabled_at=_instant(row.disabled_us),
        source=SOURCE,
    )


def _faults(row: GatewayKey, now_us: int) -> Iterator[tuple[str, str]]:
    if PUBLIC_ID.fullmatch(row.public_id) is None:
        yield "public_id", "must be 12 ASCII letters and digits: the gateway itself can't use this key"
    if _HASH.fullmatch(row.hash) is None:
        yield "hash", "must be 64 lower-case hexadecimal digits: the gateway itself can't use this key"
    for name, fault in FAULTS.items():
        text: str | None = getattr(row.details, name)
        if text is not None and (why := fault(text)):
            yield name, why
    for name, us in (("created_at", row.created_us), ("disabled_at", row.disabled_us), ("expires_at", row.expires_us)):
        if us is not None and not 0 <= us < _LAST_US:
            yield name, "must be an instant of the years 1970 to 9999"
        elif name == "created_at" and us is not None and us > now_us:
            yield name, f"is in the future; it is {format_ms(from_us(now_us))} now"


def _instant(us: int | None) -> datetime | None:
    return None if us is None else cut_ms(from_us(us))
