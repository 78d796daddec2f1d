"""What all clients of an engine share in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

_T = TypeVar("_T")


class OfEngine(Generic[_T]):
    """One thing for each engine, by its DSN: made at the first call. Safe for use by several threads."""

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._made: dict[str, _T] = {}
        self._lock = threading.Lock()

    def __call__(self, dsn: str) -> _T:
        """That of the engine."""
        with self._lock:
            if dsn not in self._made:
                self._made[dsn] = self._make()
            return self._made[dsn]
