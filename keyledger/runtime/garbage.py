"""Fewer looks for garbage while an import runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_RARELY: Final = (100_000, 50, 100)


class _Running:
    """How many imports run now, and what was usual before the first."""

    count = 0
    usual = gc.get_threshold()


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Within the block: an import is many objects and no cycles, and looking for some in them, and in all else that a
    registry's process holds, cost a fifth of its time."""
    if _Running.count == 0:
        _Running.usual = gc.get_threshold()
        gc.set_threshold(*_RARELY)
    _Running.count += 1
    try:
        yield
    finally:
        _Running.count -= 1
        if _Running.count == 0:
            gc.set_threshold(*_Running.usual)
