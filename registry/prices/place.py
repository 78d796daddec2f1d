"""Where a price stands among others, and which prices could rate one model row with equal right. Pure.

A row is rated by the most specific price that fits: a named model before `*`, a named provider before any, more tags
before fewer. So only prices at one place can tie: of the same model, the same provider and as many tags. If both fit a
row, and neither names a model, both have `*`; if both name one, it is the row's, so the same. So it is with providers.
At one place two prices tie if some key could have the tags of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from registry.keys.tags import MAX_TAGS

ANY_MODEL: Final = "*"


class Place(NamedTuple):
    """What decides how specific a price is. `model` may be ANY_MODEL, `provider` None: any."""

    model: str
    provider: str | None
    tags: int


def place_of(model: str, provider: str | None, tags: Mapping[str, str]) -> Place:
    """The place of a price."""
    return Place(model, provider, len(tags))


def hold_together(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether a key could have all these tags: no name has two values, and there are not too many names."""
    agree = all(other.get(name, value) == value for name, value in one.items())
    return agree and len(one.keys() | other.keys()) <= MAX_TAGS
