"""The types of events as callers name them: by their names, or as the CloudEvents of each version have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from registry.errors import FieldFault, FieldsRefused
from registry.log.codec import CURRENT

# The name of each type by what it may be called.
TYPES: Final[Mapping[str, str]] = {kind.__name__: kind.__name__ for kind in CURRENT} | {
    f"keyledger.{kind.__name__}.v{version}": kind.__name__
    for kind, last in CURRENT.items()
    for version in range(1, last + 1)
}


def types_of(field: str, given: Iterable[str]) -> frozenset[str]:
    """The names of the types that a caller names. Raises FieldsRefused."""
    wanted = list(given)
    if any(name not in TYPES for name in wanted):
        raise FieldsRefused(FieldFault(field, f"must be any of {', '.join(sorted(set(TYPES.values())))}"))
    return frozenset(TYPES[name] for name in wanted)
