"""What answers and commands make of a result: the one way from typed values to JSON.

A field's name says how its instant looks: those of the log's and the database's clock have microseconds, those of
effect whole milliseconds. A name that Python has taken, such as `from`, is written with an underscore at its end. A
field that is UNSET is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from operator import attrgetter
from typing import Any, Final
from uuid import UUID

import msgspec

from registry.instant import format_ms, format_us

_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None)})
_TEXTS: Final = (Decimal, datetime, UUID)  # once: a union of types is made each time that it is written
_MICROSECONDS: Final = frozenset({"recorded_at", "reconciled_at", "found_at", "decided_at"})


def encode(value: Any, name: str = "") -> Any:
    """The value as JSON has it, of a field of this name. Pure. Raises TypeError for what has no such form."""
    if type(value) in _AS_THEY_ARE:
        return value
    if isinstance(value, _TEXTS):
        return _text(value, name)
    if isinstance(value, (list, tuple)):
        return [encode(one, name) for one in value]
    if isinstance(value, dict):
        return _object(value.items())
    return _object(_members(value))


def _object(members: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    # Most members are plain: a long bill has a million of them, and a call for each would be most of the time.
    return {
        key: one if type(one) in _AS_THEY_ARE else encode(one, key) for key, one in members if one is not msgspec.UNSET
    }


def _members(value: Any) -> Iterable[tuple[str, Any]]:
    names, values = _fields(type(value))  # type: ignore[arg-type] # a class is hashable
    return zip(names, values(value), strict=True)


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
def _fields(kind: Hashable) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names in JSON of the fields of a dataclass or struct, and what gets their values."""
    if isinstance(kind, type) and is_dataclass(kind):
        names = [field.name for field in fields(kind)]
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        names = list(kind.__struct_fields__)
    else:
        raise TypeError(f"{kind} has no form in JSON")
    # Of one name attrgetter gives the value alone.
    values = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    return tuple(name.removesuffix("_") for name in names), values
