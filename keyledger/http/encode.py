"""What answers and commands make of a result: the one way from typed values to JSON.

A field's name says how its instant looks: those of the log's and the database's clock have microseconds, those of
effect whole milliseconds. A name that Python has taken, such as `from`, is written with an underscore at its end.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final
from uuid import UUID

import msgspec

from registry.instant import format_ms, format_us

_MICROSECONDS: Final = frozenset({"recorded_at", "reconciled_at", "found_at", "decided_at"})


def encode(value: Any, name: str = "") -> Any:
    """The value as JSON has it, of a field of this name. Pure. Raises TypeError for what has no such form."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {key: encode(one, key) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [encode(one, name) for one in value]
    if isinstance(value, Decimal | datetime | UUID):
        return _text(value, name)
    return {key: encode(getattr(value, field), key) for field, key in _fields(type(value))}  # type: ignore[arg-type]


def plain(amount: Decimal) -> str:
    """A Decimal as digits alone: no exponent, no needless zeros at the end, no minus before zero."""
    text = format(amount, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _text(value: Decimal | datetime | UUID, name: str) -> str:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, UUID):
        return str(value)
    return format_us(value) if name in _MICROSECONDS else format_ms(value)


@cache
def _fields(kind: Hashable) -> tuple[tuple[str, str], ...]:
    """The fields of a dataclass or struct, each with its name in JSON."""
    if isinstance(kind, type) and is_dataclass(kind):
        names = [field.name for field in fields(kind)]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        names = list(kind.__struct_fields__)
    else:
        raise TypeError(f"{kind} has no form in JSON")
    return tuple((name, name.removesuffix("_")) for name in names)
