"""Fewer looks for garbage, where many objects and no cycles are made: batches of a projector, pages of an import.

Looking for cycles in them, and in all else that a process holds, costs a fifth of the time (bench/pipeline.py,
bench/import_keys.py).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_RARELY: Final = (100_000, 50, 100)


def collect_garbage_rarely() -> None:
    """From now on, in a process that does little else. Call it once, when everything is imported."""
    gc.freeze()
    gc.set_threshold(*_RARELY)


class _Running:
    """How many blocks run now, and what was usual before the first."""

    count = 0
    usual = gc.get_threshold()


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Within the block, in a process that does other things too."""
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
