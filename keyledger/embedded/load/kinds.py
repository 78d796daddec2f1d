"""What a text must be to be a value of a type, and the value that it is: in SQL, where `{t}` stands for the text.

The engine's own readers would cut, round or guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_UUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_COUNT: Final = "^(0|[1-9][0-9]{0,9})([.]0+)?$"
_MONEY: Final = "^-?(0|[1-9][0-9]{0,8})([.][0-9]{1,9}0*)?$"
_NIL: Final = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Kind:
    """Values of one type: the SQL that finds a text that is none, the SQL of the value, and what is wrong in words."""

    fault: str
    value: str
    words: str
    shown: bool = True  # whether an error shows the text: not what tells of a person, or is no text at all


_KINDS: Final = {
    # A row without an id has none of its own, so nothing could tell it from another one.
    "UUID": Kind(f"NOT match({{t}}, '{_UUID}')", f"toUUID(ifNull({{t}}, '{_NIL}'))", "is no UUID"),
    "UInt32": Kind(
        f"NOT match({{t}}, '{_COUNT}') OR toUInt64OrZero(substringIndex({{t}}, '.', 1)) > 4294967295",
        "toUInt32(substringIndex({t}, '.', 1))",
        "is no whole number from 0 to 4294967295",
    ),
    "UInt256": Kind(
        "NOT match({t}, '^(0|[1-9][0-9]{0,77})$') OR toString(toUInt256OrZero({t})) != {t}",
        "toUInt256({t})",
        "is no whole number from 0 to 2^256 - 1",
    ),
    "Decimal(18, 9)": Kind(
        f"NOT match({{t}}, '{_MONEY}')",
        "toDecimal64({t}, 9)",
        "is no exact number of at most nine digits before the point and nine after it",
    ),
    "Bool": Kind(
        "lower({t}) NOT IN ('true', 'false', '1', '0')", "lower({t}) IN ('true', '1')", "is neither true nor false"
    ),
    "String": Kind("NOT isValidUTF8({t})", "{t}", "is not UTF-8", shown=False),
    "Map(String, String)": Kind(
        "length(mapKeys({t})) != length(arrayDistinct(mapKeys({t}))) OR arrayExists(v -> isNull(v), mapValues({t})) OR "
        "NOT arrayAll(v -> isValidUTF8(ifNull(v, '')), arrayConcat(mapKeys({t}), mapValues({t})))",
        "CAST({t}, 'Map(String, String)')",
        "has a name twice, a name without a value, or a text that is not UTF-8",
        shown=False,
    ),
    "Array(String)": Kind(
        "arrayExists(v -> isNull(v) OR NOT isValidUTF8(ifNull(v, '')), {t})",
        "CAST({t}, 'Array(String)')",
        "has an element without a value, or one that is not UTF-8",
        shown=False,
    ),
}


def kind_of(plain_type: str) -> Kind:
    """The rule of one of the gateway's types, without Nullable and LowCardinality."""
    if plain_type.startswith("Enum8("):
        names = ", ".join(re.findall(r"'\w+'", plain_type))
        return Kind(f"{{t}} NOT IN ({names})", "{t}", f"is none of {names}")
    return _KINDS[plain_type]


def plain_type(type_: str) -> str:
    """A type without Nullable and LowCardinality around it."""
    while found := re.fullmatch(r"(?:Nullable|LowCardinality)\((.*)\)", type_, re.DOTALL):
        type_ = found[1]
    return type_
